"""The rights on tenants' schemas and roles, which the owner of the registry has by acting as the provisioner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections
from django.db.backends.utils import CursorWrapper


@contextmanager
def as_provisioner(using: str) -> Iterator[CursorWrapper]:
    """Yield a cursor of the role that owns every tenant's schema and administers its role, within a transaction."""
    with connections[using].cursor() as cursor:
        cursor.execute("SET LOCAL ROLE bulkhead_provisioner")
        yield cursor
        cursor.execute("RESET ROLE")
