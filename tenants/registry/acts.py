"""Note whose log grows, so that a worker counts it soon: a row in the index of due work, once in a while.

Most acts cost a look into this process's memory and nothing else.
"""

from __future__ import annotations

from functools import partial
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
    """Call before the log is written.

    Within a transaction on the registry this waits for its end: a row that is not committed would hold up everybody
    who notes the same tenant, each over a connection to its compartment that the transaction itself may wait for.
    Should it come to nothing, the next act's row has the log counted whole.
    """
    with _lock:
        if tenant_id in _noted:
            return
    transaction.on_commit(partial(_note, tenant_id))


def _note(tenant_id: UUID) -> None:
    announce_count(tenant_id)
    with _lock:
        _noted[tenant_id] = True
