"""Whose turn it is: nobody who came to nothing holds up the others.

What stops a tenant's rotation may be of its own making and stay: a lock that is held, rows that never open. So whoever
got nowhere is put aside for a while, and then comes after those who were not tried for longer. It is kept in this
process alone: one that begins anew knows of nobody, and loses one turn by each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

ASIDE_SECONDS: Final = 50 * 60.0  # less than from one look at what is due to the next

K = TypeVar("K")
W = TypeVar("W")


class Turns(Generic[K]):
    """When each was last tried in vain, of `time.monotonic`."""

    def __init__(self) -> None:
        self._tried: dict[K, float] = {}

    def begin(self, one: K) -> None:
        """Note an attempt before it begins: it may never come back."""
        self._tried[one] = time.monotonic()

    def succeed(self, one: K) -> None:
        """Forget an attempt that brought something about."""
        self._tried.pop(one, None)

    def is_aside(self, one: K) -> bool:
        tried = self._tried.get(one)
        return tried is not None and time.monotonic() - tried < ASIDE_SECONDS

    def order(self, work: Iterable[W], key: Callable[[W], K]) -> list[W]:
        """Return the work of those who are not aside: as it comes, then of those tried in vain, longest ago first."""
        there = [each for each in work if not self.is_aside(key(each))]
        return sorted(there, key=lambda each: self._tried.get(key(each), 0.0))
