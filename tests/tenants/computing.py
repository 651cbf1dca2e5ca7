"""How much a thread computes: no other thread, no other process and no collection of rubbish counts."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def computing() -> Iterator[Callable[[], float]]:
    """Yield what tells for how many seconds this thread has computed since the beginning of the block.

    A collection looks at all that the tests before have left, and takes as long as that is much.
    """
    gc.disable()
    began = time.thread_time()
    try:
        yield lambda: time.thread_time() - began
    finally:
        gc.enable()
