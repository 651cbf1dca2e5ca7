"""Counts what the log says was used, by day (UTC), person and kind; each entry once, however often and by whom.

`usage_head` says how far the log has been counted. It moves in the transaction that adds the counts, under a lock, and
the log has no gaps: so what is counted, and what is left to count, is known exactly at any moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.db import connections, transaction

BATCH: Final = 5_000  # entries in one transaction


class Kind(StrEnum):
    BUILDS = "builds"
    READS = "reads"
    SENT = "messages-sent"
    RECEIVED = "messages-received"
    ACTS = "acts"  # everything that a person did: who has any in a day was active


KINDS: Final[Mapping[str, Kind]] = {
    "build.started": Kind.BUILDS,
    "build.environment_revealed": Kind.READS,
    "build.key_opened": Kind.READS,
    "build.ssh_keys_revealed": Kind.READS,
    "parameters.exported": Kind.READS,
    "parameters.revealed": Kind.READS,
    "ssh_key.revealed": Kind.READS,
    "message.sent": Kind.SENT,
    "message.received": Kind.RECEIVED,
}

TODAY: Final = "(statement_timestamp() AT TIME ZONE 'UTC')::date"

# An entry is any JSON that the tenant's role ever wrote: what is not of the form it should be counts for nobody.
# Materialized, so that it is parsed once and not at each of its uses.
UNCOUNTED: Final = r"""
entries AS MATERIALIZED (
    SELECT position, at, entry::jsonb AS act FROM audit
    WHERE position > coalesce((SELECT position FROM usage_head), 0) ORDER BY position LIMIT %(batch)s),
counted AS (
    SELECT (at AT TIME ZONE 'UTC')::date AS day, kind, person_id, count(*) AS count, coalesce(sum(bytes), 0) AS bytes
    FROM entries
    CROSS JOIN LATERAL (SELECT
        CASE WHEN act->>'actor_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            THEN (act->>'actor_id')::uuid END AS person_id,
        CASE WHEN act->>'action' LIKE 'message.%%' AND act#>>'{detail,bytes}' ~ '^[0-9]{1,9}$'
            THEN (act#>>'{detail,bytes}')::bigint END AS size) AS said
    CROSS JOIN LATERAL (
        SELECT kind, size AS bytes FROM unnest(%(actions)s::text[], %(kinds)s::text[]) AS known(action, kind)
        WHERE action = act->>'action'
        UNION ALL SELECT 'acts', 0 WHERE person_id IS NOT NULL) AS counts
    GROUP BY day, kind, person_id)"""

_ROLL_UP: Final = f"""
WITH {UNCOUNTED},
added AS (
    INSERT INTO usage (day, kind, person_id, count, bytes) SELECT day, kind, person_id, count, bytes FROM counted
    ON CONFLICT (day, kind, person_id)
    DO UPDATE SET count = usage.count + excluded.count, bytes = usage.bytes + excluded.bytes),
moved AS (
    UPDATE usage_head SET position = (SELECT max(position) FROM entries) WHERE EXISTS (SELECT FROM entries))
SELECT count(*) FROM entries"""  # noqa: S608 - a part of ours

_APPEND: Final = f"""
INSERT INTO audit (entry) VALUES (%s) RETURNING
    position - coalesce((SELECT position FROM usage_head), 0),
    (SELECT ARRAY[coalesce(sum(count), 0), coalesce(sum(bytes), 0)]::bigint[] FROM usage
     WHERE day = {TODAY} AND kind = %s)"""  # noqa: S608 - a part of ours

# Whether today's use of a kind, and everything that is not counted yet, leaves room for `few` more: for a statement.
ROOM: Final = f"""
(SELECT coalesce(max(position), 0) FROM audit) - coalesce((SELECT position FROM usage_head), 0) + (
    SELECT coalesce(sum(count), 0) FROM usage WHERE day = {TODAY} AND kind = %(kind)s
) + %(few)s::int <= %(allowed)s::bigint"""  # noqa: S608 - a part of ours

_ROLLED_UP: Final = f"""
SELECT coalesce(sum(count), 0)::bigint, coalesce(sum(bytes), 0)::bigint,
    ceil(extract(epoch FROM ({TODAY} + 1)::timestamp - statement_timestamp() AT TIME ZONE 'UTC'))::int
FROM usage WHERE day = {TODAY} AND kind = %s"""  # noqa: S608 - a part of ours


_BEHIND: Final = """
SELECT coalesce((SELECT max(position) FROM audit), 0) - coalesce((SELECT position FROM usage_head), 0)"""


@dataclass(frozen=True, slots=True)
class Used:
    """How much of a kind was used today, and the seconds until the day is over."""

    count: int
    bytes: int
    left: int


@dataclass(frozen=True, slots=True)
class Bound:
    """What bounds today's use of a kind: what was counted, and `uncounted` entries that may all be of the kind."""

    uncounted: int
    count: int
    bytes: int


def uncounted(batch: int | None = None) -> dict[str, Any]:
    """Return the parameters of UNCOUNTED: at most `batch` entries, or all."""
    return {"batch": batch, "actions": list(KINDS), "kinds": [kind.value for kind in KINDS.values()]}


def roll_up(alias: str) -> int:
    """Count what is new in the log; return how many entries that was."""
    total = 0
    while True:
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            cursor.execute("INSERT INTO usage_head (one, position) VALUES (true, 0) ON CONFLICT DO NOTHING")
            # A statement of its own: the next one sees what whoever held the lock has counted.
            cursor.execute("SELECT position FROM usage_head FOR UPDATE")
            cursor.execute(_ROLL_UP, uncounted(BATCH))
            (entries,) = cursor.fetchone() or (0,)
        total += entries
        if entries < BATCH:
            return total


def catch_up(alias: str) -> None:
    """Count if more than a batch is left to count, as where no worker runs: who reads next has that little to look at.

    What is counted stays so batch by batch, also where the request is broken off.
    """
    with connections[alias].cursor() as cursor:
        cursor.execute(_BEHIND)
        (behind,) = cursor.fetchone() or (0,)
    if behind > BATCH:
        roll_up(alias)


def append_counted(alias: str, text: str, kind: Kind) -> Bound:
    """Add an entry to the log and return what bounds today's use of `kind`, this entry among it, in one statement.

    Appending waits for whoever appended before to commit, and RETURNING knows the entry's own position: of two at
    once, the second one's bound holds the first, though the counts are those of before the wait.
    """
    with connections[alias].cursor() as cursor:
        cursor.execute(_APPEND, [text, kind])
        uncounted, (count, size) = cursor.fetchone() or (0, (0, 0))
    return Bound(uncounted, count, size)


def rolled_up(alias: str, kind: Kind) -> Used:
    """Return what of today has been counted."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_ROLLED_UP, [kind])
        return Used(*cursor.fetchone() or (0, 0, 0))
