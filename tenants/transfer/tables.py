"""The tables that move: those of the records' models, in one order, by columns that this release knows.

No name of a table or column ever comes from an archive: what an archive says is compared with this, and then
forgotten.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.db import connections, models
from psycopg import sql

from tenants.databases.router import RECORDS
from tenants.transfer.errors import TransferError

AUDIT: Final = "audit"
_BATCH: Final = 5000

_SHAPE: Final = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attname COLLATE "C")
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p') GROUP BY 1"""


@dataclass(frozen=True, slots=True)
class Table:
    """One table by name, its columns, and which of them hold a time."""

    name: str
    columns: tuple[str, ...]
    times: tuple[str, ...]
    identity: str | None  # the column that numbers itself

    def qualified(self, schema: str) -> sql.Composable:
        return sql.Identifier(schema, self.name)

    def copy(self, schema: str, direction: str) -> sql.Composable:
        """Return the COPY statement; FROM STDIN or TO STDOUT."""
        statement = sql.SQL("COPY {table} ({columns}) {direction} (FORMAT text, ENCODING 'UTF8')")
        columns = sql.SQL(", ").join(map(sql.Identifier, self.columns))
        return statement.format(table=self.qualified(schema), columns=columns, direction=sql.SQL(direction))

    def restart(self, schema: str) -> sql.Composable:
        """Return the statement that lets the identity column go on after its greatest number."""
        statement = sql.SQL(
            "SELECT setval(pg_get_serial_sequence({name}, {text}), greatest(max({column}), 1)) FROM {table}"
        )
        return statement.format(
            name=sql.Literal(f"{schema}.{self.name}"),
            text=sql.Literal(self.identity),
            column=sql.Identifier(self.identity or ""),
            table=self.qualified(schema),
        )


def tables() -> list[Table]:
    found = apps.get_app_config(RECORDS).get_models(include_auto_created=True)
    return sorted(map(_table, found), key=lambda table: table.name)


def _table(model: type[models.Model]) -> Table:
    fields = model._meta.local_concrete_fields
    times = tuple(str(field.column) for field in fields if isinstance(field, models.DateTimeField))
    identity = next((str(field.column) for field in fields if isinstance(field, models.AutoField)), None)
    return Table(model._meta.db_table, tuple(str(field.column) for field in fields), times, identity)


def stream(statement: sql.Composable, using: str) -> Generator[Any]:
    """Yield rows in batches, since a table may be larger than memory; to be closed, or its cursor stays open."""
    with connections[using].connection.cursor(name="stream") as cursor:
        cursor.itersize = _BATCH
        yield from cursor.execute(statement)


def check_shape(cursor: Any, schema: str) -> None:
    """Refuse a schema that is not what this release's models say: a column left behind would be lost in silence."""
    cursor.execute(_SHAPE, [schema])
    live = {name: tuple(columns) for name, columns in cursor.fetchall()}
    declared = {table.name: tuple(sorted(table.columns)) for table in tables()}
    differing = sorted(name for name in live.keys() | declared.keys() if live.get(name) != declared.get(name))
    if differing:
        raise TransferError(f"The schema differs from this release in {', '.join(differing)}: see `manage.py drift`.")
