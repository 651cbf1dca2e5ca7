"""What tenants take up on disk before they hold anything."""

from __future__ import annotations

from typing import Final

from portal.demo.postgres import data_of
from tests.benchmarks.scale.ground import Ground

MB: Final = 1_000_000
_CATALOGS: Final = """
SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'
"""


def relation(at: Ground, name: str) -> float:
    """Return a table's size with its indexes, in MB."""
    return _number(at, "SELECT pg_total_relation_size(%s::regclass)", name) / MB


def catalogs(at: Ground) -> float:
    """Return the size of all of PostgreSQL's own tables, in MB."""
    return _number(at, _CATALOGS, "pg_catalog") / MB


def database(at: Ground) -> float:
    return _number(at, "SELECT pg_database_size(%s)", "bulkhead") / MB


def files(at: Ground) -> float:
    oid = int(_number(at, "SELECT oid FROM pg_database WHERE datname = %s", "bulkhead"))
    return float(sum(1 for _ in (data_of(at.stack.directory) / "base" / str(oid)).iterdir()))


def _number(at: Ground, query: str, argument: str) -> float:
    with at.administrator() as connection:
        (value,) = connection.execute(query.encode(), [argument]).fetchone() or (0,)
    return float(value)
