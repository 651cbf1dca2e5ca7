"""Entries of one log that several threads have to write at the same time: one statement, one commit, one wait.

Whoever appends to a log holds its head until the disk has the entry, so that appending one by one admits one reader for
each write to the disk. Here the first to come writes; who comes meanwhile waits, and the first of those writes for all.
Nobody goes on before its own entry is committed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from tenants.databases.prepared import fetch

_APPEND: Final = """
INSERT INTO audit (entry) SELECT entry FROM unnest(%(entries)s::text[]) WITH ORDINALITY AS given(entry, place)
ORDER BY place RETURNING position"""


class _Entry:
    """A text, and the latch that its thread waits at until it is written, has failed, or is to write for the others."""

    __slots__ = ("latch", "leads", "text", "written")

    def __init__(self, text: str) -> None:
        self.text, self.written, self.leads, self.latch = text, False, False, Lock()
        self.latch.acquire()


@dataclass(slots=True)
class _Log:
    """What threads of this process are about to do with one log."""

    readers: int = 0
    busy: bool = False
    waiting: list[_Entry] = field(default_factory=list)


_logs: Final[dict[str, _Log]] = {}
_lock: Final = Lock()


@contextmanager
def reading(alias: str) -> Iterator[bool]:
    """Surround what reads and then appends; gives whether nobody else in this process was about to, as it began."""
    with _lock:
        log = _logs.setdefault(alias, _Log())
        log.readers += 1
        alone = log.readers == 1
    try:
        yield alone
    finally:
        with _lock:
            log.readers -= 1
            if not log.readers:
                del _logs[alias]


def append(alias: str, text: str) -> None:
    """Add an entry within `reading`, outside a transaction; when this returns, it is committed."""
    mine = _Entry(text)
    with _lock:
        log = _logs[alias]
        log.waiting.append(mine)
        mine.leads, log.busy = not log.busy, True
    if not mine.leads:
        mine.latch.acquire()
    if mine.leads:
        _lead(alias, log)
    elif not mine.written:
        _write(alias, [mine])  # whoever wrote for all failed: this thread finds out for itself


def _lead(alias: str, log: _Log) -> None:
    with _lock:
        entries, log.waiting = log.waiting, []
    try:
        _write(alias, entries)
    finally:
        with _lock:
            log.busy = bool(log.waiting)
            if log.busy:
                log.waiting[0].leads = True
                log.waiting[0].latch.release()
        for entry in entries[1:]:
            entry.latch.release()


def _write(alias: str, entries: list[_Entry]) -> None:
    fetch(alias, _APPEND, {"entries": [entry.text for entry in entries]})
    for entry in entries:
        entry.written = True
