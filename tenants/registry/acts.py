"""Note whose log grows, so that a worker counts it soon: a row in the index of due work, once in a while.

Most acts cost a look into this process's memory and nothing else.
"""

from __future__ import annotations

from threading import Lock
from typing import Final
from uuid import UUID

from cachetools import TTLCache
from django.db import transaction

from tenants.registry.due import announce_count

RELIED_ON_SECONDS: Final = 60

_noted: Final[TTLCache[UUID, bool]] = TTLCache(maxsize=4096, ttl=RELIED_ON_SECONDS)
_lock: Final = Lock()


def note_act(tenant_id: UUID) -> None:
    """Call before the log is written."""
    with _lock:
        if tenant_id in _noted:
            return
    announce_count(tenant_id)
    # Within a transaction on the registry the row is nobody's to rely on yet, and may never be.
    transaction.on_commit(lambda: _remember(tenant_id))


def _remember(tenant_id: UUID) -> None:
    with _lock:
        _noted[tenant_id] = True
