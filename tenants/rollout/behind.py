"""Who lacks which migrations: one query, whatever the number of tenants."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from tenants.provisioning.line import Line
from tenants.registry.models import Tenant


@dataclass(frozen=True, slots=True)
class Target:
    """A tenant that is not at the last version."""

    id: UUID
    slug: str
    schema: str
    version: str
    canary: bool
    failure: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is behind (to be migrated), and who is at a version that this code doesn't know (to be left alone)."""

    behind: list[Target]
    ahead: list[Target]


def standing(line: Line, slugs: Collection[str] | None = None, spared: Collection[str] = ()) -> Standing:
    """Return who is not at the last version; of all but the `spared`, or of the tenants at `slugs`."""
    chosen = Tenant.objects.filter(~Q(schema_version=line.leaf), **({} if slugs is None else {"slug__in": slugs}))
    chosen = chosen.exclude(slug__in=spared) if spared else chosen
    rows = chosen.order_by("slug").values_list("id", "slug", "schema", "schema_version", "canary", "schema_failure")
    targets = [Target(*row) for row in rows]
    known = set(line.names)
    return Standing(
        [target for target in targets if target.version in known],
        [target for target in targets if target.version not in known],
    )
