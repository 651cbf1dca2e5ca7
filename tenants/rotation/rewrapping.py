"""Wrap item keys anew under the tenant's current key, in batches, over the tenant's own connection.

A blob's head is all that leaves the database: values stay where they are, of any size, and memory stays flat. Each
batch is one statement that changes a wrapping only where it still is the one that was read, so whoever writes at the
same time wins, two rotations do no harm, and one that was killed is simply run again: what is done is not found again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connections, transaction
from psycopg import sql

from secrets_vault import BadCiphertext, Keyring, Place, blob, rewrap_head
from tenants.records.sealed import SEALED, SealedColumn

BATCH: Final = 1_000
_SHOWN: Final = 20  # failures that are named

# `substring` counts from 1. Key versions are big-endian, so bytes compare as the numbers do.
_OLD: Final = """
SELECT {key}, {item}, {version}, substring({column} FROM 1 FOR {head}) FROM {table}
WHERE substring({column} FROM {at} FOR {size}) < %s AND (%s OR {key} > %s) ORDER BY {key} LIMIT %s"""
_REPLACE: Final = """
WITH rewrapped AS (
    UPDATE {table} SET {column} = overlay({column} PLACING new.wrapping FROM {at})
    FROM unnest(%s::{type}[], %s::bytea[], %s::bytea[]) AS new (key, before, wrapping)
    WHERE {table}.{key} = new.key AND substring({column} FROM {at} FOR {size}) = new.before RETURNING 1
), counted AS (
    INSERT INTO key_uses (version, uses) VALUES (%s, %s) ON CONFLICT (version)
    DO UPDATE SET uses = key_uses.uses + excluded.uses WHERE key_uses.closed_at IS NULL RETURNING 1
)
SELECT (SELECT count(*) FROM rewrapped), (SELECT count(*) FROM counted)"""


class SupersededError(Exception):
    """The version that was being rewrapped to has itself been replaced and closed: another rotation is further."""


@dataclass(slots=True)
class Pass:
    """What one walk over all sealed columns did."""

    rewrapped: int = 0
    failed: int = 0
    cut_off: bool = False  # the time was over before the walk
    named: list[str] = field(default_factory=list)  # the first of those that could not be opened, by place


@dataclass(frozen=True, slots=True)
class Row:
    key: Any
    item: Any
    version: int
    head: bytes


def rewrap_all(alias: str, keyring: Keyring, *, deadline: float | None = None) -> Pass:
    """Walk every sealed column once, or until `deadline`, which is of `time.monotonic`. Raises SupersededError."""
    done = Pass()
    for column in SEALED:
        for rows in _batches(alias, column, keyring.current.version):
            _rewrap(alias, keyring, column, rows, done)
            if deadline is not None and time.monotonic() > deadline:
                done.cut_off = True
                return done
    return done


def _batches(alias: str, column: SealedColumn, current: int) -> Iterator[list[Row]]:
    statement = _composed(_OLD, alias, column, blob.KEY_VERSION)
    last: Any = None
    while True:
        with connections[alias].cursor() as cursor:
            values = [current.to_bytes(4, "big"), last is None, last, BATCH]
            cursor.execute(statement, values)
            rows = [Row(key, item, version, bytes(head)) for key, item, version, head in cursor.fetchall()]
        if not rows:
            return
        yield rows
        last = rows[-1].key


def _rewrap(alias: str, keyring: Keyring, column: SealedColumn, rows: Sequence[Row], done: Pass) -> None:
    changes: list[tuple[Any, bytes, bytes]] = []
    for row in rows:
        place = Place(keyring.tenant, column.purpose, str(row.item), row.version)
        try:
            after = rewrap_head(keyring, place, row.head)
        except BadCiphertext:  # also under a version that is retired: it stays as it is, and the old key with it
            done.failed += 1
            if len(done.named) < _SHOWN:
                done.named.append(f"{column.purpose} {row.key}")
        else:
            changes.append((row.key, row.head[blob.WRAPPING], after[blob.WRAPPING]))
    if changes:
        done.rewrapped += _store(alias, keyring.current.version, column, changes)


def _store(alias: str, version: int, column: SealedColumn, changes: Sequence[tuple[Any, bytes, bytes]]) -> int:
    """Return how many were changed; all are counted as uses, because each has wrapped a key."""
    keys, before, after = map(list, zip(*changes, strict=True))
    statement = _composed(_REPLACE, alias, column, blob.WRAPPING)
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(statement, [keys, before, after, version, len(changes)])
        rewrapped, counted = cursor.fetchone()
        if not counted:
            raise SupersededError
    return int(rewrapped)


def _composed(statement: str, alias: str, column: SealedColumn, part: slice) -> str:
    connection = connections[alias]
    connection.ensure_connection()
    primary = column.model._meta.pk
    composed = sql.SQL(statement).format(
        table=sql.Identifier(column.table),
        column=sql.Identifier(column.column),
        key=sql.Identifier(column.key),
        item=sql.Identifier(column.item),
        version=sql.Identifier(column.version) if column.version else sql.Literal(1),
        head=sql.Literal(blob.HEAD_BYTES),
        at=sql.Literal(part.start + 1),
        size=sql.Literal(part.stop - part.start),
        type=sql.SQL(_TYPES[primary.get_internal_type()]),
    )
    return composed.as_string(connection.connection)


_TYPES: Final = {"UUIDField": "uuid", "BigAutoField": "bigint", "PositiveIntegerField": "bigint"}
