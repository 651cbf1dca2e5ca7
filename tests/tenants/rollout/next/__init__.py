"""Migrations of the records that come after the real ones: each package here is the real one and a few more.

Name one in MIGRATION_MODULES (or, for a process of its own, use tests.tenants.rollout.settings).
"""

from __future__ import annotations

from collections.abc import Iterable
from pkgutil import iter_modules

from tenants.records import migrations

REAL = list(migrations.__path__)
LAST = max(module.name for module in iter_modules(REAL) if module.name[0].isdigit())


def after_real(*own: Iterable[str]) -> list[str]:
    """Return the `__path__` of a package that has the real migrations and its own."""
    return [*REAL, *(folder for folders in own for folder in folders)]
