"""The audit log of one tenant: its role may add and read, nothing else; a trigger chains each row to the last.

The chain is that of `secrets_vault.hashchain`, computed by PostgreSQL (migration 0002) as the row is written, so that
position, time and hash are the database's word and one round trip is enough.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

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
    """Return the canonical JSON of one act: who, from where, with which token or as which build, did what, to what.

    Never a secret. By `id`, the detail names the record that it is about: `subject` is its name at that time.
    """
    act = {
        "action": action,
        "actor": actor.label,
        "actor_kind": actor.kind.value,
        "actor_id": str(actor.person_id) if actor.person_id else None,
        "address": actor.address,
        "build": str(actor.build_id) if actor.build_id else None,
        "token": str(actor.token_id) if actor.token_id else None,
        "subject": subject,
        "detail": dict(detail),
    }
    return json.dumps(act, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def entry_around_names(actor: Actor, action: str, subject: str) -> tuple[str, str]:
    """Return the canonical JSON of one act up to and from its detail's names, for a statement that finds them itself.

    A quote within a text is escaped: the parted piece occurs once.
    """
    before, names, after = entry(actor, action, subject, {"names": []}).partition('"names":[]')
    return before + names.removesuffix("]"), "]" + after


LOOKED_AT: Final = 5_000  # entries for one answer: the log has no index by what it is about
SHOWN: Final = 100

# The log has no gaps and its times never go back, so the first entry of a moment is found by halving, not by reading.
_ABOUT: Final = """
WITH RECURSIVE halves(low, high) AS (
    SELECT 0::bigint, coalesce(max(position), 0) + 1 FROM audit
    UNION ALL
    SELECT CASE WHEN a.at < %(since)s THEN a.position ELSE low END,
        CASE WHEN a.at < %(since)s THEN high ELSE a.position END
    FROM halves JOIN audit a ON a.position = (low + high) / 2 WHERE high - low > 1)
SELECT *, EXISTS (
    SELECT FROM audit AS later WHERE later.position = (SELECT max(high) FROM halves WHERE high - low = 1) + %(most)s
    AND (%(until)s::timestamptz IS NULL OR later.at <= %(until)s)) AS later
FROM (
    SELECT * FROM audit WHERE position >= (SELECT max(high) FROM halves WHERE high - low = 1)
    ORDER BY position LIMIT %(most)s
) AS recent WHERE strpos(entry, %(named)s) > 0 ORDER BY position LIMIT %(shown)s + 1"""


@dataclass(frozen=True, slots=True)
class Acts:
    """Entries, oldest first; `cut`: there may be more of them."""

    entries: list[AuditRow]
    cut: bool


def about_build(
    alias: str, build_id: UUID, since: datetime, until: datetime | None, *, most: int = LOOKED_AT, shown: int = SHOWN
) -> Acts:
    """Return the first entries of a build, and about it: `shown`, among as many as are looked at from `since` on."""
    named = f'"build":"{build_id}"'
    parameters = {"since": since, "until": until, "named": named, "most": most, "shown": shown}
    found = list(AuditRow.objects.using(alias).raw(_ABOUT, parameters))
    later = any(row.later for row in found)  # type: ignore[attr-defined]  # a column of this statement's
    return Acts(found[:shown], later or len(found) > shown)


def append(alias: str, text: str) -> None:
    """Add an entry to the log of the compartment `alias`; the trigger gives it position, time and hash."""
    with connections[alias].cursor() as cursor:
        cursor.execute("INSERT INTO audit (entry) VALUES (%s)", [text])
