"""Statements that PostgreSQL parses and plans once in a connection: for what every request of the API asks.

A pooler in transaction mode sends the next transaction to another server, where the statement was never prepared
(PgBouncer can follow since 1.21, which is newer than what is asked for). So nothing is prepared unless the connection
ends at PostgreSQL itself: the process that answers is the one that said hello.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from django.db import connections
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

Row = tuple[Any, ...]

_PLACEHOLDER: Final = re.compile(r"%(?:\((\w+)\)s|(%))")


class _Bound(psycopg.Cursor[Row]):
    """Binds parameters at the server, where Django's would write them into the statement."""

    def execute(self, query: Any, params: Any = None, **_: Any) -> _Bound:
        return super().execute(query, params, prepare=False, binary=True)


@dataclass(frozen=True, slots=True)
class _Adapters:
    """What a Transformer asks of a connection, without it."""

    adapters: AdaptersMap
    connection: None = None


class _Direct:
    """The driver's cursor for such statements alone: no more than libpq's call and the conversion of values.

    A name is of one statement with one choice of types: the driver takes the smallest that holds a number.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        # Without the connection, by which `_cursors` has this: it would keep itself alive, and a server busy with it.
        self.server, self.values = connection.pgconn, Transformer(_Adapters(connection.adapters))
        self.names: dict[tuple[Any, ...], bytes] = {}
        self.rows: list[Row] = []
        self.prepared = 0

    def execute(self, query: str, params: Mapping[str, Any]) -> None:
        try:
            self._execute(query, params)
        except psycopg.errors.FeatureNotSupported:
            # "cached plan must not change result type": a migration came between, and nothing was done.
            self.names.clear()
            if self.server.transaction_status != TransactionStatus.IDLE:
                raise
            self._execute(query, params)

    def fetchall(self) -> list[Row]:
        return self.rows

    def close(self) -> None:
        self.rows = []

    def _execute(self, query: str, params: Mapping[str, Any]) -> None:
        text, order = _numbered(query)
        given = self.values.dump_sequence([params[name] for name in order], [PyFormat.AUTO] * len(order))
        types, formats = self.values.types or (), self.values.formats
        name = self.names.get((text, types)) or self._prepare(text, types)
        answer = self.server.exec_prepared(name, given, formats, Format.BINARY)  # type: ignore[arg-type]  # None is NULL
        result = self._checked(answer)
        self.values.set_pgresult(result)
        self.rows = self.values.load_rows(0, result.ntuples, tuple)
        self.values.set_pgresult(None)  # what was read stays no longer than it is wanted

    def _prepare(self, text: bytes, types: Sequence[int]) -> bytes:
        self.prepared += 1  # the server still has those that are forgotten here
        name = b"bulkhead_%d" % self.prepared
        self._checked(self.server.prepare(name, text, types))
        return self.names.setdefault((text, types), name)

    def _checked(self, result: PGresult) -> PGresult:
        if result.status in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
            return result
        if self.server.status == ConnStatus.BAD:
            raise psycopg.OperationalError(self.server.get_error_message())
        raise psycopg.errors.error_from_result(result)


_cursors: Final[WeakKeyDictionary[psycopg.Connection[Any], _Direct | None]] = WeakKeyDictionary()


def fetch(alias: str, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
    """Send one statement and return its rows; outside a transaction it is one, committed when this returns."""
    wrapper = connections[alias]
    with wrapper.cursor() as cursor:
        # All that Django and `base.py` do around a statement stays, but for the driver's cursor.
        cursor.cursor = _cursor(wrapper.connection) or _Bound(wrapper.connection)
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _cursor(connection: psycopg.Connection[Any]) -> _Direct | None:
    """Return the connection's own, or None where a pooler is between; asked once in the life of a connection."""
    if connection in _cursors:
        return _cursors[connection]
    answer = connection.pgconn.exec_(b"SELECT pg_backend_pid()")
    if answer.status != ExecStatus.TUPLES_OK:
        return None
    direct = answer.get_value(0, 0) == str(connection.pgconn.backend_pid).encode()
    return _cursors.setdefault(connection, _Direct(connection) if direct else None)


@lru_cache(maxsize=64)
def _numbered(statement: str) -> tuple[bytes, list[str]]:
    """Return a statement as PostgreSQL has it, `$1` for the first name, and the names in their order."""
    names = list(dict.fromkeys(name for name, _ in _PLACEHOLDER.findall(statement) if name))
    numbers = {name: f"${place}" for place, name in enumerate(names, 1)}
    return _PLACEHOLDER.sub(lambda found: numbers.get(found[1], "%"), statement).encode(), names
