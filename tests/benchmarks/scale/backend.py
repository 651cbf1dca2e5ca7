"""What one connection costs: to open, to plan its first query, and in memory while it lives."""

from __future__ import annotations

import base64
import re
import statistics
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from secrets_vault import derive
from tests.benchmarks.scale import servers
from tests.benchmarks.scale.contestant import timed
from tests.benchmarks.scale.ground import Connection, Ground

ROUNDS: Final = 9
_QUERY: Final = """
SELECT p.name, v.version FROM parameter_sets s JOIN parameters p ON p.set_id = s.id
JOIN parameter_versions v ON v.parameter_id = p.id AND v.version = p.version WHERE s.name = 'build'
"""
_OWN_TABLES: Final = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND pg_table_is_visible(oid) AND relnamespace <> 11"
)
_BEHIND: Final = "SELECT schema FROM registry.tenants WHERE schema_version <> %s"
_TABLES: Final = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace"


def tenant(at: Ground, schema: str) -> Connection:
    """Connect as a tenant's role, as `tenants.databases` does."""
    secret = base64.b64decode(at.stack.credentials.database_secret)
    password = derive(secret, "database role password", schema, "1").hex()
    return psycopg.connect(at.parts(schema, password), autocommit=True)


def connect(at: Ground) -> float:
    chosen = servers.schemas(at)[:ROUNDS]
    return statistics.median(timed(partial(_open_and_close, at, schema)) for schema in chosen)


def _open_and_close(at: Ground, schema: str) -> None:
    tenant(at, schema).close()


def first_query(at: Ground) -> float:
    """Return the seconds of a new connection's first query, which reads three tables' catalog entries."""
    seconds = []
    for schema in servers.schemas(at)[:ROUNDS]:
        with closing(tenant(at, schema)) as connection:
            seconds.append(timed(lambda: connection.execute(_QUERY).fetchall()))
    return statistics.median(seconds)


def plan(at: Ground) -> float:
    """Return the milliseconds that PostgreSQL plans the same query for on a warm connection."""
    with closing(tenant(at, servers.schemas(at)[0])) as connection:
        shown = [_planned(connection) for _ in range(ROUNDS)]
    return statistics.median(shown[2:])


def _planned(connection: Connection) -> float:
    lines = [line for (line,) in connection.execute(b"EXPLAIN (SUMMARY) " + _QUERY.encode())]
    found = re.search(r"Planning Time: ([\d.]+) ms", "\n".join(lines))
    return float(found[1]) if found else 0.0


def memory(at: Ground, tenants: int) -> float:
    """Return the MB of a backend's own memory after it read every table of so many tenants, in one connection.

    One tenant is what a connection of the portal ever sees: each is opened as one tenant's role. More than one is what
    somebody meets who may see all: a dump, a migration over one connection.
    """
    chosen = servers.schemas(at)[:tenants]
    with closing(tenant(at, chosen[0]) if tenants == 1 else at.administrator()) as connection:
        for schema in chosen:
            _touch(connection, schema)
        return _private(connection.info.backend_pid)


def _touch(connection: Connection, schema: str) -> None:
    for (table,) in connection.execute(_TABLES, [schema]).fetchall():
        readable = "SELECT has_table_privilege(%s, 'SELECT')"
        name = sql.Identifier(schema, table)
        (may,) = connection.execute(readable, [name.as_string()]).fetchone() or (False,)
        if may:
            connection.execute(sql.SQL("SELECT * FROM {} LIMIT 1").format(name))


def _private(pid: int) -> float:
    """Return the MB that a process shares with no other (proc_pid_smaps(5)): not the shared buffers it touched."""
    found = re.search(r"Pss_Anon:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text())
    return int(found[1]) * 1024 / 1_000_000 if found else 0.0


def own_tables(at: Ground) -> float:
    """Return the seconds of what psql's `\\dt` asks, as a tenant's role."""
    with closing(tenant(at, servers.schemas(at)[0])) as connection:
        return min(timed(lambda: connection.execute(_OWN_TABLES).fetchall()) for _ in range(3))


def who_is_behind(at: Ground) -> float:
    """Return the seconds of the one query that finds whom a migration has yet to reach."""
    with at.administrator() as connection:
        return min(timed(lambda: connection.execute(_BEHIND, ["0002_audit_chain"]).fetchall()) for _ in range(3))
