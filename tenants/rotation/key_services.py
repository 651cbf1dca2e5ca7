"""Bring every version of every tenant's key under the key service that is in force, while the portal serves.

A version is unwrapped by the service that wrapped it, wrapped by the one in force and seen to unwrap there; only then
does its row change, if it still is what was read, together with an entry in the tenant's log. The rows alone say what
is left to do: whatever is killed is run again, and until the last row has changed processes need both services.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import Error, connections, transaction
from django.db.models import Count, Q, QuerySet

from secrets_vault import KeyServiceUnavailable, VaultError, WrappedKey, rewrap_key
from tenants.actor import Actor
from tenants.keyrings import key_service, wrapped_key
from tenants.provisioning.journal import log
from tenants.provisioning.locks import HeldError
from tenants.registry.models import Tenant, TenantKey
from tenants.rotation.versions import locked

BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one version of a tenant's key."""

    tenant: UUID
    version: int
    moved: bool = False  # to the service in force; otherwise it was there, and only its id was missing
    failure: str = ""


def left() -> dict[str, int]:
    """Return how many versions other key services wrap, by the service's id, retired ones among them."""
    rows = _wrapped().exclude(key_service=key_service().key_id).values("key_service").order_by("key_service")
    return {row["key_service"]: row["keys"] for row in rows.annotate(keys=Count("id"))}


def unfinished() -> QuerySet[TenantKey]:
    """Return the versions that another key service wraps, or whose id is not kept yet."""
    return _wrapped().filter(~Q(key_service=key_service().key_id) | Q(key_id=None))


def change(actor: Actor) -> Iterator[Outcome]:
    """Do what is unfinished. Runs as the provisioner or the owner.

    Raises KeyServiceUnavailable: others would fail too. What was done stays done.
    """
    last = 0
    while batch := list(unfinished().filter(id__gt=last).order_by("id").select_related("tenant")[:BATCH]):
        for row in batch:
            yield _change(row, actor)
        last = batch[-1].id
        # A session remembers each schema that it wrote to, and there are thousands.
        connections["default"].close()


def _wrapped() -> QuerySet[TenantKey]:
    """Return all versions but those that came from another deployment by their number alone."""
    return TenantKey.objects.exclude(wrapped=b"")


def _change(row: TenantKey, actor: Actor) -> Outcome:
    try:
        moved = _replace(row, rewrap_key(key_service(), row.tenant_id, wrapped_key(row)), actor)
    except KeyServiceUnavailable:
        raise
    except Tenant.DoesNotExist:
        return Outcome(row.tenant_id, row.version)  # destroyed meanwhile
    except (VaultError, HeldError, Error) as error:
        return Outcome(row.tenant_id, row.version, failure=str(error).partition("\n")[0][:200])
    return Outcome(row.tenant_id, row.version, moved=moved)


def _replace(row: TenantKey, after: WrappedKey, actor: Actor) -> bool:
    with transaction.atomic():
        tenant = locked(row.tenant_id)
        same = TenantKey.objects.filter(id=row.id, key_service=row.key_service, wrapped=row.wrapped)
        changed = same.update(key_service=after.key_service_id, wrapped=after.wrapped, key_id=after.key_id)
        moved = bool(changed) and after.key_service_id != row.key_service
        if moved:
            detail = {"from": row.key_service, "to": after.key_service_id}
            log(tenant, actor, "key.rewrapped", f"version {row.version}", detail, using="default")
    return moved
