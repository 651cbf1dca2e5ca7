"""The values that a repository's labels reach, in one statement: found, told apart and, where asked, logged in it."""

from __future__ import annotations

from typing import Any, Final

from django.db import connections

from tenants import limits
from tenants.actions.audit import record
from tenants.actions.precedence import WINS_FIRST
from tenants.compartment import Compartment
from tenants.databases.prepared import Row, fetch
from tenants.errors import Invalid, NotFound
from tenants.records import together
from tenants.records.audit import entry, entry_around_names
from tenants.records.counting import ROOM
from tenants.records.labels import matching
from tenants.registry.acts import note_act

# A build's environment is one argument of execve(2); this keeps one request's work, and it, within bounds.
MAX_IN_REACH: Final = 2_000
# Of sealed values in one reading: all of them are opened, written as JSON and sealed anew in memory.
MAX_BYTES: Final = 4 * 2**20

# Goes on from a `repository` with its labels. `found`: each value in force, those of the set that wins first.
IN_REACH: Final = f"""
reached AS MATERIALIZED (
    SELECT s.id, s.name, row_number() OVER (ORDER BY {WINS_FIRST}) AS place
    FROM repository r JOIN parameter_sets s ON s.deleted_at IS NULL AND {matching("s.filters", "r.labels")}),
found AS MATERIALIZED (
    SELECT p.name, reached.name AS source, p.id::text AS parameter, v.version, v.sealed, reached.place FROM reached
    JOIN parameters p ON p.set_id = reached.id AND p.deleted_at IS NULL
    JOIN parameter_versions v ON v.parameter_id = p.id AND v.version = p.version LIMIT %(most)s::int + 1)"""  # noqa: S608 - parts of ours

# As Python writes and sorts them; names of variables need no more than the quotes.
_NAME: Final = 'to_json(name)::text COLLATE "C"'
# Alone it is a transaction: when its rows are here, the entry is on the disk. A repository without values has one row.
# Its last column is whether there is room; if not, nothing is logged.
_STATEMENT: Final = f"""
WITH room AS MATERIALIZED (SELECT :room AS room),
repository AS MATERIALIZED (SELECT labels FROM repositories WHERE name = %(repository)s), {IN_REACH},
logged AS (
    INSERT INTO audit (entry)
    SELECT %(before)s::text || coalesce(string_agg(DISTINCT {_NAME}, ',' ORDER BY {_NAME}), '') || %(after)s::text
    FROM found HAVING %(log)s::bool AND (SELECT room FROM room) AND count(*) <= %(most)s::int
    AND coalesce(sum(octet_length(sealed)), 0) <= %(bytes)s::int AND EXISTS (SELECT FROM repository))
SELECT found.name, source, parameter, version,
    CASE WHEN sum(octet_length(sealed)) OVER () <= %(bytes)s::int THEN sealed END, (SELECT room FROM room)
FROM repository LEFT JOIN found ON true
ORDER BY place"""  # noqa: S608 - parts of ours
_REVEAL: Final = _STATEMENT.replace(":room", "true")
_REVEAL_IF_ROOM: Final = _STATEMENT.replace(":room", ROOM)


def reveal(compartment: Compartment, action: str, repository: str, most: int) -> list[Row]:
    """Return (name, set, parameter, version, sealed), the winners first; the log says so, durably, before this returns.

    Raises NotFound, and Invalid for more than `most` values or MAX_BYTES: then nothing is logged, and no value leaves
    the database. Raises LimitReached.
    """
    if connections[compartment.alias].in_atomic_block:
        raise RuntimeError("what is revealed is logged in a transaction of its own")
    compartment.require_keys()
    note_act(compartment.identity.id)
    with together.reading(compartment.alias) as alone:
        rows, room = _ask(compartment, action, repository, most, log=alone)
        names = [] if room and alone else sorted({row[0] for row in rows})
        if room and not alone:
            together.append(compartment.alias, entry(compartment.actor, action, repository, {"names": names}))
    if not room:  # near a limit of the tenant's: to the last one, in the transaction that its entry is in
        with compartment.transaction(durable=True):
            record(compartment, action, repository, names=names)
    return rows


def _ask(compartment: Compartment, action: str, repository: str, most: int, *, log: bool) -> tuple[list[Row], bool]:
    before, after = entry_around_names(compartment.actor, action, repository)
    parameters: dict[str, Any] = {
        "repository": repository,
        "most": most,
        "bytes": MAX_BYTES,
        "log": log,
        "before": before,
        "after": after,
        **(room := limits.room(compartment, action)),
    }
    rows = fetch(compartment.alias, _REVEAL_IF_ROOM if room else _REVEAL, parameters)
    if not rows:
        raise NotFound
    if len(rows) > most:
        raise too_many(most)
    found = [row[:-1] for row in rows if row[0] is not None]
    if any(row[-1] is None for row in found):
        raise too_large()
    return found, rows[0][-1]


def too_many(most: int) -> Invalid:
    return Invalid({"repository": f"Its labels reach more than {most} values: narrow the filters of its sets."})


def too_large() -> Invalid:
    most = MAX_BYTES // 2**20
    return Invalid({"repository": f"Its labels reach values of more than {most} MiB: narrow the filters of its sets."})
