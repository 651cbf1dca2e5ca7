"""Where what provisioning seals belongs."""

from __future__ import annotations

from uuid import UUID

from secrets_vault import Place


def sealing_place(tenant_id: UUID, version: int) -> Place:
    """Return what the private half of a tenant's sealing key is bound to."""
    return Place(str(tenant_id), "sealing_secrets.sealed", str(version), version)


def lookup_secret_place(tenant_id: UUID, version: int) -> Place:
    return Place(str(tenant_id), "lookup_secrets.sealed", str(version), version)
