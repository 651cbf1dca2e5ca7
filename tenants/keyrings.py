"""Unwrapped tenant keys: in this process's memory, for minutes, bounded in number, nowhere else."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import Final
from uuid import UUID

from cachetools import TTLCache
from django.conf import settings

from secrets_vault import Keyring, KeyService, KeyServiceDenied, WrappedKey, open_key_service
from tenants.registry.models import TenantKey

REMEMBERED_SECONDS: Final = 5 * 60
_keyrings: Final[TTLCache[UUID, Keyring]] = TTLCache(maxsize=1024, ttl=REMEMBERED_SECONDS)
_lock: Final = Lock()


@lru_cache(maxsize=1)
def key_service() -> KeyService:
    """Return the deployment's key service; one client for the life of the process."""
    return open_key_service(settings.KEY_SERVICE)


def keyring_of(tenant_id: UUID) -> Keyring:
    """Return the tenant's keyring. Raises KeyServiceUnavailable and KeyServiceDenied."""
    with _lock:
        known = _keyrings.get(tenant_id)
    if known is not None:
        return known
    # Outside the lock: a slow key service must not hold up the tenants whose keys are already here.
    keys = wrapped_keys(tenant_id)
    if all(key.retired for key in keys):
        raise KeyServiceDenied("the tenant has no key any more")
    keyring = Keyring.open(key_service(), tenant_id, keys)
    with _lock:
        _keyrings[tenant_id] = keyring
    return keyring


def wrapped_keys(tenant_id: UUID) -> list[WrappedKey]:
    return [
        WrappedKey(row.version, row.key_service, bytes(row.wrapped), row.retired_at is not None)
        for row in TenantKey.objects.filter(tenant_id=tenant_id).order_by("version")
    ]


def forget_keyring(tenant_id: UUID) -> None:
    """Drop a tenant's unwrapped keys from this process."""
    with _lock:
        _keyrings.pop(tenant_id, None)
