"""The registry's index of what is due, written anew from what came in: times to live and deletions hold here too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connections
from psycopg import sql

from tenants.actions.parameter_deletion import KEPT
from tenants.provisioning.acting import as_provisioner
from tenants.registry.due import Due

_BATCH: Final = 5000
_WAITING: Final = """
SELECT m.id, m.expires_at, statement_timestamp() FROM {contents} c JOIN {messages} m ON m.id = c.message_id"""
_DELETED: Final = "SELECT id, deleted_at + %s FROM {table} WHERE deleted_at IS NOT NULL"
_DATED: Final = "SELECT id, statement_timestamp() FROM {table} WHERE expires_on IS NOT NULL AND deleted_at IS NULL"
_RUNNING: Final = "SELECT id, ends_by FROM {table} WHERE outcome = 'running'"

Hint = tuple[UUID, datetime, datetime]
"""Message, when it expires, now."""


def rebuild(tenant_id: UUID, schema: str, using: str) -> int:
    """Return how many contents wait; within the import's transaction."""
    total = 0
    for side in ("sent", "received"):
        for batch in _waiting(schema, side, using):
            hints = [_due(tenant_id, *what) for hint in batch for what in _kinds(side, hint)]
            Due.objects.using(using).bulk_create(hints)
            total += len(batch)
    _shred(tenant_id, schema, using)
    # A build that ran when its tenant moved has no token here; its key is shredded in time all the same.
    _announce(tenant_id, Due.Kind.END_BUILD, _RUNNING, sql.Identifier(schema, "builds"), using)
    # Looked at now: whoever finds that the log has said so already puts it off to the next time.
    _announce(tenant_id, Due.Kind.REMIND, _DATED, sql.Identifier(schema, "parameters"), using)
    return total


def _announce(tenant_id: UUID, kind: Due.Kind, statement: str, table: sql.Identifier, using: str) -> None:
    for batch in _batches(sql.SQL(statement).format(table=table), f"due_{kind.name.lower()}", using):
        Due.objects.using(using).bulk_create(_due(tenant_id, kind, *hint) for hint in batch)


def _shred(tenant_id: UUID, schema: str, using: str) -> None:
    for table in ("parameter_sets", "parameters"):
        statement = sql.SQL(_DELETED).format(table=sql.Identifier(schema, table))
        for batch in _batches(statement, f"due_{table}", using, [KEPT]):
            Due.objects.using(using).bulk_create(_due(tenant_id, Due.Kind.SHRED, *hint) for hint in batch)


def _kinds(side: str, hint: Hint) -> Iterator[tuple[Due.Kind, UUID, datetime]]:
    message, expires_at, now = hint
    if side == "received":
        yield Due.Kind.EXPIRE_RECEIVED, message, expires_at
        return
    # Nobody is connected to a tenant that has just come in: delivery finds that out, refuses it and says so.
    yield Due.Kind.DELIVER, message, now
    yield Due.Kind.EXPIRE_SENT, message, expires_at


def _due(tenant_id: UUID, kind: Due.Kind, message: UUID, at: datetime) -> Due:
    return Due(tenant_id=tenant_id, kind=kind, message_id=message, due_at=at)


def _waiting(schema: str, side: str, using: str) -> Iterator[list[Any]]:
    statement = sql.SQL(_WAITING).format(
        contents=sql.Identifier(schema, f"{side}_contents"), messages=sql.Identifier(schema, f"{side}_messages")
    )
    yield from _batches(statement, f"due_{side}", using)


def _batches(
    statement: sql.Composed, cursor_name: str, using: str, arguments: list[timedelta] | None = None
) -> Iterator[list[Any]]:
    with connections[using].connection.cursor(name=cursor_name) as cursor:
        with as_provisioner(using):  # to begin with; what was begun is read to its end under any role
            cursor.execute(statement, arguments)
        while batch := cursor.fetchmany(_BATCH):
            yield batch
