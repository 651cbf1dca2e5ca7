"""Rows from an archive into a schema that was made a moment ago, within the transaction that made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Any

from psycopg import sql

from tenants.provisioning.acting import as_provisioner
from tenants.transfer.archive import member_of
from tenants.transfer.errors import DATABASE_ERRORS, BadArchive, said
from tenants.transfer.exporting import Report
from tenants.transfer.manifest import Contents
from tenants.transfer.tables import AUDIT, Table, tables
from tenants.transfer.verifying import Archive


@dataclass(frozen=True, slots=True)
class Source:
    """A verified archive and the open file that it lies in."""

    file: IO[bytes]
    archive: Archive
    report: Report


def fill(source: Source, schema: str, using: str) -> None:
    """Put the archive's rows in the place of those that every new tenant begins with: its log and its first key."""
    with as_provisioner(using) as cursor:
        # Tables come in by name, some before what they refer to; making the schema left some checks immediate.
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table in tables():
            _run(cursor, "DELETE FROM {}", table.qualified(schema))
        # The log comes in as it was written: position, time and hash are the source's, and are verified afterwards.
        _run(cursor, "ALTER TABLE {} DISABLE TRIGGER audit_chain", sql.Identifier(schema, AUDIT))
    for table, contents in zip(tables(), source.archive.manifest.tables, strict=True):
        _copy(source, table, contents, schema, using)
    with as_provisioner(using) as cursor:
        _run(cursor, "ALTER TABLE {} ENABLE TRIGGER audit_chain", sql.Identifier(schema, AUDIT))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables():
            if table.identity:
                cursor.execute(table.restart(schema).as_string(cursor.connection))


def _copy(source: Source, table: Table, contents: Contents, schema: str, using: str) -> None:
    part = member_of(table.name)
    try:
        with as_provisioner(using) as cursor:
            with cursor.copy(table.copy(schema, "FROM STDIN")) as copy:
                for chunk in source.archive.parts[part].chunks(source.file):
                    copy.write(chunk)
                    source.report(part, len(chunk))
            found = cursor.rowcount
    except DATABASE_ERRORS as error:
        raise BadArchive(part, f"the database refuses its rows: {said(error)}") from None
    if found != contents.rows:
        raise BadArchive(part, f"it has {found:,} rows, where the manifest says {contents.rows:,}")


def _run(cursor: Any, statement: str, table: sql.Composable) -> None:
    cursor.execute(sql.SQL(statement).format(table).as_string(cursor.connection))
