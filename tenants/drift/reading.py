"""What every comparison starts from: the tenants that there are, and rows of the catalogs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from tenants.drift import declared
from tenants.provisioning.shape import PATIENCE
from tenants.registry.models import Tenant

NAME_FORM: Final = "^t_[0-9a-f]{16}$"  # of a tenant's schema and role


@dataclass(frozen=True, slots=True)
class Known:
    """A tenant of the registry. `name` is its schema's and role's."""

    id: UUID
    slug: str
    name: str
    version: str
    failure: str

    @property
    def subject(self) -> str:
        return f"tenant {self.slug}"


def tenants(using: str, ids: Collection[UUID] | None = None) -> dict[str, Known]:
    """Return all tenants, or those with `ids`, by name."""
    columns = ("id", "slug", "schema", "schema_version", "schema_failure")
    chosen = Tenant.objects.using(using)
    found = [Known(*row) for row in (chosen if ids is None else chosen.filter(id__in=ids)).values_list(*columns)]
    return {tenant.name: tenant for tenant in found}


@contextmanager
def patiently(using: str) -> Iterator[CursorWrapper]:
    """Open a transaction that nobody else's lock holds up for long."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(PATIENCE)
        yield cursor


def rows(using: str, query: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(query, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def has_pooler(using: str) -> bool:
    """Say whether anything is there of what a pooler is given."""
    query = "SELECT FROM pg_roles WHERE rolname = %s UNION ALL SELECT FROM pg_namespace WHERE nspname = %s"
    return bool(rows(using, query, [declared.POOLER, declared.POOLING]))
