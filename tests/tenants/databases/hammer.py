"""Requests that go on while something is changed under them; what failed is kept."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connections

from tenants.databases.base import close_compartments


@dataclass
class Tally:
    done: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def hammering(*requests: Callable[[], object]) -> Iterator[Tally]:
    """Repeat each request in a thread of its own until the block ends."""
    tally, stop = Tally(), threading.Event()

    def repeat(request: Callable[[], object]) -> None:
        try:
            while not stop.is_set():
                request()
                tally.done += 1
        except Exception:  # noqa: BLE001 - whatever it was, a request failed
            tally.failures.append(traceback.format_exc())
        finally:
            close_compartments()
            connections.close_all()

    threads = [threading.Thread(target=repeat, args=[request]) for request in requests]
    for thread in threads:
        thread.start()
    try:
        yield tally
    finally:
        stop.set()
        for thread in threads:
            thread.join()
