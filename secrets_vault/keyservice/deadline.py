"""Until when an answer is of use: several questions that belong together are one wait, not one after the other."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

SECONDS: Final = 2.0  # a page without its secret is answered within 3

_until: Final[ContextVar[float]] = ContextVar("until", default=math.inf)  # of time.monotonic


@contextmanager
def within(seconds: float = SECONDS) -> Iterator[None]:
    """Let whatever is asked in here end by then, or earlier if that was said further out."""
    token = _until.set(min(_until.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _until.reset(token)


def left(most: float = SECONDS) -> float:
    """The seconds that there still are, at most so many; none or fewer when time is up."""
    return min(most, _until.get() - time.monotonic())
