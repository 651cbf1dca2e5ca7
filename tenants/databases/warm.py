"""Which compartments' connections stay open: a few in each thread, a bounded number in the process, none after either.

A thread closes its own least recently used ones and never another thread's, which may be about to use them. A thread
that wants its first connection gets it, whatever the others hold: a process has at most
max(COMPARTMENT_CONNECTIONS_PROCESS, its threads) open, besides those in open transactions of nested compartments.
"""

from __future__ import annotations

import os
import weakref
from collections import OrderedDict
from contextlib import suppress
from threading import Lock, local
from typing import Final

import psycopg
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

Wrappers = OrderedDict[str, BaseDatabaseWrapper]


class _Process:
    """What each thread of this process holds."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.threads: dict[int, Wrappers] = {}

    def add(self, wrappers: Wrappers) -> None:
        with self.lock:
            self.threads[id(wrappers)] = wrappers

    def remove(self, wrappers: Wrappers) -> None:
        with self.lock:
            self.threads.pop(id(wrappers), None)

    def allowance(self, wrappers: Wrappers) -> int:
        """Return how many connections a thread may hold; call this with the lock held."""
        bound: int = settings.COMPARTMENT_CONNECTIONS_PROCESS
        sizes = [len(each) for each in self.threads.values() if each]
        others = sum(sizes) - len(wrappers)
        return max(1, min(settings.COMPARTMENT_CONNECTIONS, bound // max(1, len(sizes)), bound - others))


_process: Final = _Process()


def _end(wrappers: Wrappers) -> None:
    """Close what an ended thread held; the wrappers would refuse another thread, the driver's connections do not."""
    _process.remove(wrappers)
    for wrapper in wrappers.values():
        if wrapper.connection is not None:
            wrapper.connection.close()
    wrappers.clear()


class _Thread:
    """One thread's open compartments, least recently used first; closed when the thread or the process ends."""

    def __init__(self) -> None:
        self.wrappers: Wrappers = OrderedDict()
        _process.add(self.wrappers)
        weakref.finalize(self, _end, self.wrappers)


class _Warm(local):
    """The calling thread's."""

    def __init__(self) -> None:
        self._thread = _Thread()

    @property
    def wrappers(self) -> Wrappers:
        return self._thread.wrappers

    def use(self, wrapper: BaseDatabaseWrapper) -> None:
        """Keep `wrapper` as the most recently used, and close what is beyond the bounds."""
        wrappers = self.wrappers
        if wrappers and next(reversed(wrappers.values())) is wrapper:
            return
        with _process.lock:
            wrappers[wrapper.alias] = wrapper
            wrappers.move_to_end(wrapper.alias)
            idle = [other.alias for other in wrappers.values() if other is not wrapper and not other.in_atomic_block]
            # Those in open transactions are bounded by the nesting itself.
            surplus = idle[: max(0, len(wrappers) - _process.allowance(wrappers))]
        for alias in surplus:
            self.forget(alias)

    def forget(self, alias: str) -> None:
        wrapper = self.wrappers.get(alias)
        if wrapper is None:
            return
        try:
            wrapper.close()
        finally:
            with _process.lock:
                self.wrappers.pop(alias, None)
            with suppress(AttributeError):
                del connections[alias]


warm: Final = _Warm()


def close_compartments() -> None:
    """Close this thread's warm connections. A thread that ends closes its own by itself, and so does a process."""
    for alias in list(warm.wrappers):
        warm.forget(alias)


def _abandon() -> None:
    """Let go, in a forked child, of the connections that are its parent's, without a word to the server.

    The child's share of each socket is replaced by /dev/null: what the driver says while closing goes nowhere, and the
    server learns of the parent's end when the parent ends, not when its last child does.
    """
    _process.lock = Lock()  # another thread of the parent may have held it
    inherited = [wrapper for wrappers in _process.threads.values() for wrapper in wrappers.values()]
    inherited += connections.all(initialized_only=True)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for wrapper in inherited:
        connection, wrapper.connection = wrapper.connection, None
        if isinstance(connection, psycopg.Connection) and not connection.closed:
            os.dup2(nowhere, connection.fileno(), inheritable=False)
            connection.close()
    os.close(nowhere)
    for wrapper in inherited:
        with suppress(AttributeError):
            del connections[wrapper.alias]
    for wrappers in _process.threads.values():
        wrappers.clear()
    _process.threads = {id(warm.wrappers): warm.wrappers}


os.register_at_fork(after_in_child=_abandon)
