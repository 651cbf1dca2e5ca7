"""What its operator allows a tenant, as whoever acts in it needs to know: by name, only what has a limit."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tenants.registry.tenants import Tenant, TenantLimits

Allowances = Mapping[str, int]

NAMES: Final = tuple(field.name for field in TenantLimits._meta.concrete_fields if not field.primary_key)
NONE: Final[Allowances] = MappingProxyType({})

# The same of a row `l` of tenant_limits, as a JSON object, for a statement that joins it; NULL where there is none.
COLUMN: Final = "jsonb_strip_nulls(to_jsonb(l) - 'tenant_id')"


def allowances(tenant: Tenant) -> Allowances:
    """Return the limits of a tenant that was read with them (`select_related`)."""
    row: TenantLimits | None = getattr(tenant, "limits", None)
    if row is None:
        return NONE
    return {name: most for name in NAMES if (most := getattr(row, name)) is not None}
