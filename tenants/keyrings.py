"""Unwrapped tenant keys: in this process's memory, for minutes, bounded in number, nowhere else.

What is kept leaves by itself when its time is over, used or not, and is overwritten when it does: how far that goes is
in secrets_vault.opaque. Of several requests that need a tenant's keys at once, one asks the key service.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, wait
from functools import lru_cache
from threading import Lock, Thread
from typing import Final
from uuid import UUID

from cachetools import TTLCache
from django.conf import settings

from secrets_vault import (
    Keyring,
    KeyService,
    KeyServiceDenied,
    KeyServiceUnavailable,
    VaultError,
    WrappedKey,
    open_key_services,
)
from tenants.registry.models import TenantKey

REMEMBERED_SECONDS: Final = 5 * 60
MOST: Final = 1024
_TIDY_SECONDS: Final = 5.0  # how much longer what has expired may stay
_PATIENCE_SECONDS: Final = 0.5  # with another request that asks for the same keys: it may be waiting in vain

_keyrings: Final[TTLCache[UUID, Keyring]] = TTLCache(maxsize=MOST, ttl=REMEMBERED_SECONDS)
_loading: Final[dict[UUID, Future[None]]] = {}
_tidying: Final[set[Thread]] = set()  # at most one
_lock: Final = Lock()  # of these three; never held while anybody is asked

logger: Final = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def key_service() -> KeyService:
    """Return the deployment's key service; one client for the life of the process."""
    return open_key_services(settings.KEY_SERVICE, settings.KEY_SERVICE_OTHERS)


def open_early() -> None:
    """Open the key service where a process starts: its client takes a while to import, which no request should.

    A process that can't starts sealed, and looks again when somebody asks. Raises ValueError for a bad address.
    """
    try:
        key_service()
    except VaultError as error:
        logger.error("the key service can't be opened: %s", error)  # noqa: TRY400 - the reason says it all


def is_sealed() -> bool:
    """Say whether tenants' secrets can't be opened now, for want of the key service. Doesn't wait for it."""
    try:
        return not key_service().answers()
    except VaultError:
        return True


def keyring_of(tenant_id: UUID) -> Keyring:
    """Return the tenant's keyring. Raises KeyServiceUnavailable and KeyServiceDenied."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        with _lock:
            known, other = _keyrings.get(tenant_id), _loading.get(tenant_id)
            if known is None and other is None:
                mine = _loading[tenant_id] = Future()
                break
        if known is not None:
            return known
        if other is not None and not wait([other], deadline - time.monotonic()).done:
            raise KeyServiceUnavailable("the key service has not answered another request yet")
    try:
        return _load(tenant_id, mine)
    finally:
        _end(tenant_id, mine)


def wrapped_keys(tenant_id: UUID) -> list[WrappedKey]:
    return [wrapped_key(row) for row in TenantKey.objects.filter(tenant_id=tenant_id).order_by("version")]


def wrapped_key(row: TenantKey) -> WrappedKey:
    """Return the row as the vault takes it."""
    key_id = None if row.key_id is None else bytes(row.key_id)
    return WrappedKey(row.version, row.key_service, bytes(row.wrapped), row.retired_at is not None, key_id)


def forget_keyring(tenant_id: UUID) -> None:
    """Drop a tenant's unwrapped keys from this process; what is being read of them now isn't kept either."""
    with _lock:
        _keyrings.pop(tenant_id, None)
        _loading.pop(tenant_id, None)


def _load(tenant_id: UUID, mine: Future[None]) -> Keyring:
    keys = wrapped_keys(tenant_id)
    if all(key.retired for key in keys):
        raise KeyServiceDenied("the tenant has no key any more")
    keyring = Keyring.open(key_service(), tenant_id, keys)
    with _lock:
        if _loading.get(tenant_id) is mine:  # not forgotten meanwhile
            _keyrings[tenant_id] = keyring
            _tidy_later()
    return keyring


def _end(tenant_id: UUID, mine: Future[None]) -> None:
    """Let those who waited look again: if there are no keys now, the next of them asks."""
    with _lock:
        if _loading.get(tenant_id) is mine:
            del _loading[tenant_id]
    mine.set_result(None)


def _tidy_later() -> None:
    """See that what expires goes: a cache by itself drops it when something else comes."""
    if not any(thread.is_alive() for thread in _tidying):  # a fork leaves the thread behind
        _tidying.clear()
        thread = Thread(target=_tidy, name="forget keys", daemon=True)
        _tidying.add(thread)
        thread.start()


def _tidy() -> None:
    while True:
        time.sleep(_TIDY_SECONDS)
        with _lock:
            _keyrings.expire()
            if not _keyrings:
                _tidying.clear()
                return
