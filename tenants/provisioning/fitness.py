"""Which migrations can be brought to thousands of tenants: a tenant is wholly at one version, whatever happens.

Statements run in one transaction with the tenant's new version, so all of a migration must be able to. Python runs
inside the tenant's compartment, whose role owns no table and can change none: what changes rows by Python is a
migration of its own. A tenant made later never runs it: it rewrites rows that there are, and makes none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from django.db.migrations import Migration
from django.db.migrations.operations import RunPython, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from tenants.provisioning.line import UnfitMigrationError

_ENDS_TRANSACTION: Final = re.compile(
    r"^\s*(COMMIT|ROLLBACK(?! TO)|ABORT|START\s+TRANSACTION|BEGIN\s*(;|TRANSACTION|WORK)|END\s*;\s*\Z|"
    r"PREPARE\s+TRANSACTION)",
    re.IGNORECASE | re.MULTILINE,
)


def judge(migration: Migration) -> None:
    """Raise UnfitMigrationError, saying what would be right, before anything runs."""
    operations = list(_in_the_database(migration.operations))
    python = [operation for operation in operations if isinstance(operation, RunPython)]
    if not migration.atomic or any(operation.atomic is False for operation in python):
        raise UnfitMigrationError(
            f"{migration.name} is not atomic: a tenant that it fails in would be at no version. Leave out "
            "`atomic = False`; build an index without CONCURRENTLY, each tenant's tables are small."
        )
    if python and len(python) < len(operations):
        raise UnfitMigrationError(
            f"{migration.name} mixes RunPython with other operations. Give RunPython a migration of its own: it runs "
            "inside each compartment, with the tenant's role, which can't change tables."
        )
    unknown = [each for each in operations if not each.reduces_to_sql and not isinstance(each, RunPython)]
    if unknown:
        raise UnfitMigrationError(f"{migration.name}: {unknown[0].describe()} can't be rendered to SQL.")


def judge_statement(name: str, statement: str) -> None:
    """Raise UnfitMigrationError for a statement that would end the transaction it runs in."""
    if _ENDS_TRANSACTION.search(statement):
        raise UnfitMigrationError(f"{name} begins or ends a transaction of its own: {statement.strip()}")


def is_python(migration: Migration) -> bool:
    return any(isinstance(operation, RunPython) for operation in _in_the_database(migration.operations))


def python_of(migration: Migration) -> Iterator[Callable[[Any, Any], None]]:
    for operation in _in_the_database(migration.operations):
        if isinstance(operation, RunPython):
            yield operation.code


def _in_the_database(operations: Sequence[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from _in_the_database(operation.database_operations)
        else:
            yield operation
