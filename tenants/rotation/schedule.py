"""When keys rotate: by age, by use, and how long an old version stays until nobody can still be writing under it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from tenants.keyrings import REMEMBERED_SECONDS

# A process that has not heard of the new version seals under the old one for as long as it remembers keys, and stores
# that within one request. Twice as long is plenty; if it was not, the writer is refused and nothing is lost.
SETTLED: Final = timedelta(seconds=2 * REMEMBERED_SECONDS)

# What waits behind a slice in the queue is a customer who asked for a tenant.
SLICE_SECONDS: Final = 20.0
SHARE_SECONDS: Final = 5.0  # of a slice, for one tenant


def key_age() -> timedelta:
    """Return how old a tenant's key gets; the passwords of database roles as well."""
    return timedelta(days=settings.KEY_ROTATION_DAYS)


def next_rotation(made: datetime) -> datetime:
    """Return when a version made then is due to be replaced, by age alone; it happens within the hour."""
    return made + key_age()
