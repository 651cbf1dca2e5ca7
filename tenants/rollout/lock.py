"""One run at a time: an advisory lock of the database, so that a killed process leaves none behind.

It belongs to the session: run over a direct connection, or PgBouncer in session mode, never in transaction mode.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

KEY: Final = int.from_bytes(b"bulkhead", "big")
# pg_locks shows the key's halves. A session's name is shown to every role, unlike when and from where it connected.
_HOLDER: Final = """
SELECT a.pid, a.usename, a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = %s::bigint AND l.objid = %s::bigint
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class AlreadyRunningError(Exception):
    """Another run holds the lock; the message says which."""


@lru_cache(maxsize=1)
def session_name() -> str:
    """Return what the server shows for this run's connections: process, host, since when."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"migrate_tenants {os.getpid()}@{socket.gethostname()[:18]} {now}"  # 63 bytes are kept


@contextmanager
def only_run(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Hold the lock of all runs. Raises AlreadyRunningError."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET application_name = {}").format(sql.Literal(session_name())))
        cursor.execute("SELECT pg_try_advisory_lock(%s::bigint)", [KEY])
        if cursor.fetchone() != (True,):
            cursor.execute(_HOLDER, [KEY >> 32, KEY & 0xFFFFFFFF])
            raise AlreadyRunningError(_who(cursor.fetchone()))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s::bigint)", [KEY])


def _who(holder: tuple[int, str, str] | None) -> str:
    if holder is None:
        return "Another run has just ended. Start again."
    pid, role, name = holder
    parts = name.split()
    told = f"process {parts[1]}, since {parts[2]}" if name.startswith("migrate_tenants ") else repr(name)
    return f"It runs already: {told} (PostgreSQL backend {pid}, role {role})."
