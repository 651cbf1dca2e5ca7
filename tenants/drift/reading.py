"""What every comparison starts from: the tenants that there are, and rows of the catalogs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connections

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


def rows(using: str, query: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(query, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
