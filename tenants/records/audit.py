"""The audit log of one tenant: its role may add and read, nothing else; a trigger chains each row to the last.

The chain is that of `secrets_vault.hashchain`, computed by PostgreSQL (migration 0002) as the row is written, so that
position, time and hash are the database's word and one round trip is enough.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from django.db import connections, models

from tenants.actor import Actor

Detail = Mapping[str, str | int | list[str] | None]


class AuditRow(models.Model):
    position = models.BigIntegerField(primary_key=True)  # 1, 2, 3 … without gaps
    at = models.DateTimeField()
    entry = models.TextField()  # canonical JSON, hashed as the bytes that stand here
    previous = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit"


class AuditHead(models.Model):
    """The end of the chain, for the trigger alone: whoever appends waits for this row."""

    one = models.BooleanField(primary_key=True, default=True)
    position = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit_head"


def entry(actor: Actor, action: str, subject: str, detail: Detail) -> str:
    """Return the canonical JSON of one act: who, from where, with which token, did what, to what. Never a secret."""
    act = {
        "action": action,
        "actor": actor.label,
        "actor_kind": actor.kind.value,
        "actor_id": str(actor.person_id) if actor.person_id else None,
        "address": actor.address,
        "token": str(actor.token_id) if actor.token_id else None,
        "subject": subject,
        "detail": dict(detail),
    }
    return json.dumps(act, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def append(alias: str, text: str) -> None:
    """Add an entry to the log of the compartment `alias`; the trigger gives it position, time and hash."""
    with connections[alias].cursor() as cursor:
        cursor.execute("INSERT INTO audit (entry) VALUES (%s)", [text])
