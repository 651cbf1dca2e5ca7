"""The versions of one tenant's key in the registry: a new one made, old ones closed and retired."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import connections, transaction
from django.db.models import Max
from django.db.models.functions import Now

from secrets_vault import Keyring
from tenants.actor import Actor
from tenants.compartment import Compartment
from tenants.keyrings import forget_keyring, key_service, keyring_of
from tenants.provisioning.journal import log
from tenants.registry.models import Tenant, TenantKey
from tenants.rotation import schedule

# Waits for whoever has counted a use and commits now. From then on nothing is stored under these versions.
_CLOSE: Final = """
INSERT INTO key_uses (version, uses, closed_at) SELECT old, 0, now() FROM unnest(%s::bigint[]) AS old ORDER BY old
ON CONFLICT (version) DO UPDATE SET closed_at = coalesce(key_uses.closed_at, now())"""


def fresh_keyring(tenant_id: UUID) -> Keyring:
    """Return the keyring as the registry has it now. Raises KeyServiceUnavailable and KeyServiceDenied."""
    forget_keyring(tenant_id)
    return keyring_of(tenant_id)


def add_version(tenant_id: UUID, actor: Actor, reason: str) -> int | None:
    """Give the tenant a new current key; None if another rotation has just done so.

    Raises what the key service raises. It is asked before anything is locked: while it takes its time nobody waits.
    """
    keyring, row = fresh_keyring(tenant_id).add(key_service())
    with transaction.atomic():
        tenant = locked(tenant_id)
        newest = TenantKey.objects.filter(tenant=tenant).aggregate(newest=Max("version"))["newest"]
        if newest != row.version - 1:
            return None
        TenantKey.objects.create(
            tenant=tenant,
            version=row.version,
            key_service=row.key_service_id,
            wrapped=row.wrapped,
            key_id=row.key_id,
        )
        for version, key in keyring.versions.items():  # that of a version made by an earlier release is not there yet
            TenantKey.objects.filter(tenant=tenant, version=version, key_id=None).update(key_id=key.id)
        log(tenant, actor, "key.added", f"version {row.version}", {"reason": reason}, using="default")
    forget_keyring(tenant_id)
    return row.version


def is_settled(tenant_id: UUID) -> bool:
    """Say whether the newest version was made so long ago that every process has heard of it."""
    young = TenantKey.objects.filter(tenant_id=tenant_id, created_at__gt=Now() - schedule.SETTLED)
    return not young.exists()


def close(inside: Compartment, versions: list[int]) -> None:
    """Let nothing be stored under these versions any more; what was is committed when this returns."""
    with transaction.atomic(using=inside.alias), connections[inside.alias].cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '5s'")
        cursor.execute(_CLOSE, [versions])


def retire(tenant_id: UUID, versions: list[int], actor: Actor) -> None:
    """Refuse these versions from now on, everywhere within the minutes for which keys are remembered."""
    with transaction.atomic():
        tenant = locked(tenant_id)
        live = TenantKey.objects.filter(tenant=tenant, version__in=versions, retired_at=None)
        if live.update(retired_at=Now()):
            said = ", ".join(f"version {version}" for version in versions)
            log(tenant, actor, "key.retired", said, {}, using="default")
    forget_keyring(tenant_id)


def locked(tenant_id: UUID) -> Tenant:
    """Not the key of the row: rows that point to the tenant, such as hints of messages, are inserted meanwhile."""
    return Tenant.objects.select_for_update(no_key=True).get(id=tenant_id)
