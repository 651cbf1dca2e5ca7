"""What a database administrator waits for: tenants made and dropped, vacuum, dumps, restarts."""

from __future__ import annotations

import os
import subprocess
from typing import Final

from psycopg import sql

from portal.demo.postgres import binaries
from tests.benchmarks.scale.contestant import timed
from tests.benchmarks.scale.ground import Ground

# What an autovacuum worker asks itself about every table when it wakes (PostgreSQL's own thresholds).
_LOOK: Final = """
SELECT count(*) FROM pg_class WHERE relkind IN ('r', 't', 'm') AND (
    pg_stat_get_dead_tuples(oid) > 50 + 0.2 * greatest(reltuples, 0)
    OR pg_stat_get_mod_since_analyze(oid) > 50 + 0.1 * greatest(reltuples, 0) OR age(relfrozenxid) > 200000000)
"""


def schemas(at: Ground) -> list[str]:
    """Return the tenants' schemas, which are also their roles, the newest last."""
    with at.administrator() as connection:
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^t_' ORDER BY oid").fetchall()
    return [name for (name,) in found]


def create(at: Ground, count: int) -> list[float]:
    with at.contestant("provisioner") as provisioner:
        return [float(seconds) for seconds in provisioner.ask("create", count=count, owner=at.owner)]


def grow(at: Ground, size: int) -> None:
    missing = size - len(schemas(at))
    if missing > 0:
        create(at, missing)


def drop(at: Ground, count: int) -> list[float]:
    """Drop the newest tenants, each in a transaction; return the seconds of each."""
    seconds = []
    with at.administrator() as connection:
        for schema in schemas(at)[-count:]:
            statement = sql.SQL("DROP SCHEMA {0} CASCADE; DROP ROLE {0}").format(sql.Identifier(schema))

            def act(statement: sql.Composed = statement) -> None:
                with connection.transaction():
                    connection.execute(statement)

            seconds.append(timed(act))
    return seconds


def autovacuum_look(at: Ground) -> float:
    with at.administrator() as connection:
        return min(timed(lambda: connection.execute(_LOOK).fetchall()) for _ in range(3))


def vacuum(at: Ground) -> float:
    """Vacuum and analyze every table once, as a pass over a whole database does."""
    with at.administrator() as connection:
        return timed(lambda: connection.execute("VACUUM (ANALYZE)"))


def dump_one(at: Ground) -> float:
    return timed(lambda: _dump(at, f"--schema={schemas(at)[0]}"))


def dump_all(at: Ground) -> float:
    return timed(lambda: _dump(at))


def _dump(at: Ground, *arguments: str) -> None:
    server = {f"PG{name.upper()}": value for name, value in at.stack.administrator().items()}
    command = [str(binaries() / "pg_dump"), "--format=custom", "--no-sync", "--file=/dev/null", *arguments, "bulkhead"]
    subprocess.run(command, env={**os.environ, **server}, check=True)


def start(at: Ground) -> float:
    at.server.stop()
    return timed(at.start_again)


def start_after_crash(at: Ground) -> float:
    """Start after `kill -9`, with as much to recover as creating ten tenants leaves behind."""
    create(at, 10)
    at.server.kill()
    seconds = timed(at.start_again)
    drop(at, 10)
    return seconds


def allow_locks(at: Ground, locks: int) -> None:
    """Let one transaction hold this many locks. Takes a restart."""
    per_transaction = max(64, locks // 200 + 1)  # the table of locks has this many for each of 200 connections
    with at.administrator() as connection:
        connection.execute(sql.SQL("ALTER SYSTEM SET max_locks_per_transaction = {}").format(per_transaction))
    start(at)
