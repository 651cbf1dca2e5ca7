"""Statements that PostgreSQL parses and plans once in a connection: for what every request of the API asks.

A pooler in transaction mode sends the next transaction to another server, where the statement was never prepared
(PgBouncer can follow since 1.21, which is newer than what is asked for). So nothing is prepared unless the connection
ends at PostgreSQL itself: the process that answers is the one that said hello.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from django.db import connections
from psycopg.pq import ExecStatus

Row = tuple[Any, ...]
_direct: Final[WeakKeyDictionary[psycopg.Connection[Any], bool]] = WeakKeyDictionary()


class _Cursor(psycopg.Cursor[Row]):
    """Binds parameters at the server, where Django's would write them into the statement."""

    def execute(self, query: Any, params: Any = None, **_: Any) -> _Cursor:
        return super().execute(query, params, prepare=is_direct(self.connection), binary=True)


def fetch(alias: str, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
    """Send one statement and return its rows; outside a transaction it is one, committed when this returns."""
    wrapper = connections[alias]
    with wrapper.cursor() as cursor:
        # All that Django and `base.py` do around a statement stays, but for the driver's cursor.
        cursor.cursor = _Cursor(wrapper.connection)
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def is_direct(connection: psycopg.Connection[Any]) -> bool:
    """Say whether no pooler is between; asked once in the life of a connection."""
    known = _direct.get(connection)
    if known is None:
        answer = connection.pgconn.exec_(b"SELECT pg_backend_pid()")
        if answer.status != ExecStatus.TUPLES_OK:
            return False
        known = _direct[connection] = answer.get_value(0, 0) == str(connection.pgconn.backend_pid).encode()
        # Django forbids the driver to prepare anything: from here on it may, what is asked for.
        connection.prepare_threshold = 0 if known else None
    return known
