"""What waits for a lock waits for a few seconds, and then says for what."""

from __future__ import annotations

from django.db import Error, OperationalError
from psycopg.errors import LockNotAvailable


class HeldError(OperationalError):
    """Another transaction holds what is needed; the message says what, and what to do. Nothing was changed."""


def waited_in_vain(error: Error) -> bool:
    """Tell a lock that was not had in time from whatever else a database refuses."""
    return isinstance(error, HeldError) or isinstance(error.__cause__, LockNotAvailable)
