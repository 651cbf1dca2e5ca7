"""Keys for what lives for hours, derived anew every BULKHEAD_KEY_ROTATION_DAYS from a secret of the deployment.

    key of a period = HKDF(secret, use, length of a period in days, number of the period since 1970)

The present period's key issues. Accepted are those of the present and the one before, and whichever was in force when
what lives longest was issued, under the secret in force and, while it is being replaced (BULKHEAD_…_SECRET_PREVIOUS),
under the one before it. Sessions and people's tokens live for 12 hours, a build's token for up to a day, which is as
long as the shortest period: nobody is signed out by a rotation. Nothing is stored, and every process changes by its own
clock; one that is a little ahead issues what the others already accept, and still accepts what they issued last.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from django.conf import settings

from secrets_vault import derive

AHEAD_SECONDS: Final = 300  # how far the clocks of two processes may be apart
LONGEST_SECONDS: Final = 86_400  # that anything issued lives: a build's token
_DAY: Final = 86_400


def keys(use: str, secret: bytes, former: Sequence[bytes], now: float | None = None) -> tuple[bytes, ...]:
    """Return keys of 32 bytes: the first to issue with, all of them to accept. `now` is in seconds since the epoch."""
    at = time.time() if now is None else now
    days: int = settings.KEY_ROTATION_DAYS
    moments = (at, at + AHEAD_SECONDS, at - LONGEST_SECONDS - AHEAD_SECONDS)
    present, ahead, oldest = (int(moment // (days * _DAY)) for moment in moments)
    accepted = dict.fromkeys((present, present - 1, ahead, oldest))
    return tuple(_key(use, root, days, number) for root in (secret, *former) for number in accepted)


@lru_cache(maxsize=64)
def _key(use: str, secret: bytes, days: int, number: int) -> bytes:
    return derive(secret, "bulkhead period", use, str(days), str(number))


def period(now: float) -> tuple[datetime, datetime]:
    """Return when the present period began and when it ends, aware UTC; `now` is in seconds since the epoch."""
    length = settings.KEY_ROTATION_DAYS * _DAY
    began = int(now // length) * length
    return datetime.fromtimestamp(began, UTC), datetime.fromtimestamp(began + length, UTC)
