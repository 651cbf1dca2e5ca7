"""The versions of the tenant's key: what stands in the registry, and how often the compartment has used each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tenants.compartment import Compartment, requires
from tenants.records.models import KeyUse
from tenants.registry.models import TenantKey
from tenants.roles import Permission


class KeyState(StrEnum):
    CURRENT = "current"  # seals, and opens
    REPLACED = "replaced"  # opens what has not been wrapped anew yet
    RETIRED = "retired"  # opens nothing any more


@dataclass(frozen=True, slots=True)
class KeyVersion:
    version: int
    state: KeyState
    key_service: str  # what wraps it
    uses: int  # item keys that it has wrapped
    created_at: datetime
    retired_at: datetime | None


@requires(Permission.KEYS_LIST)
def list_versions(compartment: Compartment) -> list[KeyVersion]:
    """Return every version that there was, the newest first."""
    rows = list(TenantKey.objects.filter(tenant=compartment.tenant).defer("wrapped").order_by("-version"))
    uses = dict(KeyUse.objects.values_list("version", "uses"))
    return [
        KeyVersion(
            row.version,
            _state(row, rows[0]),
            row.key_service,
            uses.get(row.version, 0),
            row.created_at,
            row.retired_at,
        )
        for row in rows
    ]


def _state(row: TenantKey, newest: TenantKey) -> KeyState:
    if row.retired_at is not None:
        return KeyState.RETIRED
    return KeyState.CURRENT if row is newest else KeyState.REPLACED
