"""Sign-ins under way: a row of its own for each, made by a POST, gone after ten minutes or when it is finished."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db.models.functions import Now

from portal.signin import sealing
from tenants.registry.models import Attempt

COOKIE: Final = "__Host-bulkhead-attempt"
LIFETIME: Final = timedelta(minutes=10)
_USE: Final = "sign-in attempt"


def create(payload: dict[str, Any]) -> str:
    """Keep the attempt and return the handle that opens it. Sweeps out those that have expired."""
    Attempt.objects.filter(created_at__lte=Now() - LIFETIME).delete()
    handle = sealing.new_handle()
    Attempt.objects.create(handle_digest=sealing.digest(handle), payload=sealing.seal(_USE, handle, payload))
    return handle


def load(handle: str) -> dict[str, Any]:
    """Return the attempt's payload; empty when there is none, or no longer."""
    rows = Attempt.objects.filter(handle_digest=sealing.digest(handle), created_at__gt=Now() - LIFETIME)
    row = rows.first() if sealing.is_handle(handle) else None
    return (sealing.unseal(_USE, handle, bytes(row.payload)) or {}) if row else {}


def finish(handle: str) -> bool:
    """Remove the attempt; only one of several that try at once is told that it did."""
    removed, _ = Attempt.objects.filter(handle_digest=sealing.digest(handle)).delete()
    return removed == 1
