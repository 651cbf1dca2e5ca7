"""The values that repositories' labels reach, in one statement: found, told apart and logged in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from django.db import connections

from tenants import limits
from tenants.actions.audit import record
from tenants.actions.precedence import WINS_FIRST
from tenants.compartment import Compartment
from tenants.databases.prepared import Row, fetch
from tenants.errors import Invalid, NotFound
from tenants.records.audit import entry_around_names
from tenants.records.counting import ROOM
from tenants.records.labels import matching
from tenants.registry.acts import note_act

# A build's environment is one argument of execve(2); this keeps one request's work, and it, within bounds.
MAX_IN_REACH: Final = 2_000
# Of sealed values in one reading: all of them are opened, written as JSON and sealed anew in memory.
MAX_BYTES: Final = 4 * 2**20

# As Python writes and sorts them; names of variables need no more than the quotes.
_NAME: Final = 'to_json(name)::text COLLATE "C"'
# Alone it is a transaction: when its rows are here, the entries are on the disk. For each who asks: `found`, the values
# in force, those of the set that wins first; a repository without values has one row, an unknown one has none. The last
# column is whether there is room in the tenant's limits; if not, nothing is logged.
_STATEMENT: Final = f"""
WITH room AS MATERIALIZED (SELECT :room AS room),
repository AS MATERIALIZED (
    SELECT asked, labels, before, after FROM repositories
    JOIN unnest(%(repositories)s::text[], %(befores)s::text[], %(afters)s::text[])
        WITH ORDINALITY AS given(name, before, after, asked) USING (name)),
reached AS MATERIALIZED (
    SELECT asked, s.id, s.name, row_number() OVER (ORDER BY {WINS_FIRST}) AS place
    FROM repository r JOIN parameter_sets s ON s.deleted_at IS NULL AND {matching("s.filters", "r.labels")}),
found AS MATERIALIZED (
    SELECT asked, values.* FROM repository CROSS JOIN LATERAL (
        SELECT p.name, reached.name AS source, p.id::text AS parameter, v.version, v.sealed, reached.place FROM reached
        JOIN parameters p ON p.set_id = reached.id AND p.deleted_at IS NULL
        JOIN parameter_versions v ON v.parameter_id = p.id AND v.version = p.version
        WHERE reached.asked = repository.asked LIMIT %(most)s::int + 1) AS values),
summed AS MATERIALIZED (
    SELECT asked, coalesce(string_agg(DISTINCT {_NAME}, ',' ORDER BY {_NAME}), '') AS names,
        count(*) <= %(most)s::int AND coalesce(sum(octet_length(sealed)), 0) <= %(bytes)s::int AS small
    FROM repository LEFT JOIN found USING (asked) GROUP BY asked),
logged AS (
    INSERT INTO audit (entry) SELECT before || names || after FROM repository JOIN summed USING (asked)
    WHERE small AND (SELECT room FROM room) ORDER BY asked)
SELECT asked, name, source, parameter, version, CASE WHEN small THEN sealed END, (SELECT room FROM room)
FROM summed LEFT JOIN found USING (asked) ORDER BY asked, place"""  # noqa: S608 - parts of ours
_REVEAL: Final = _STATEMENT.replace(":room", "true")
_REVEAL_IF_ROOM: Final = _STATEMENT.replace(":room", ROOM)


@dataclass(frozen=True, slots=True)
class Found:
    """What a repository reaches, (name, set, parameter, version, sealed), winners first, and whether it is logged."""

    repository: str
    rows: list[Row] = field(repr=False)
    logged: bool


def find(action: str, asked: Sequence[tuple[Compartment, str]], most: int) -> list[Found | NotFound | Invalid]:
    """Find what each of several in one tenant asks for; the log says so, durably, before this returns.

    Why there is nothing for one of them, NotFound, or Invalid for more than `most` values or MAX_BYTES, stands in its
    place: of that nothing is logged, and no value leaves the database. Near a limit of the tenant's nothing is logged
    either: `settle` has the last word. Raises KeyServiceUnavailable and KeyServiceDenied.
    """
    compartment = asked[0][0]
    if connections[compartment.alias].in_atomic_block:
        raise RuntimeError("what is revealed is logged in a transaction of its own")
    compartment.require_keys()
    note_act(compartment.identity.id)
    rows = groupby(_rows(action, asked, most), itemgetter(0))
    found = {place: [row[1:] for row in each] for place, each in rows}
    return [_judged(name, found.get(place, []), most) for place, (_, name) in enumerate(asked, 1)]


def settle(compartment: Compartment, action: str, found: Found) -> list[Row]:
    """Return the rows once the log says so: near a limit, to the last one, in the transaction that the entry is in.

    Raises LimitReached.
    """
    if not found.logged:
        with compartment.transaction(durable=True):
            record(compartment, action, found.repository, names=sorted({row[0] for row in found.rows}))
    return found.rows


def _rows(action: str, asked: Sequence[tuple[Compartment, str]], most: int) -> list[Row]:
    around = [entry_around_names(compartment.actor, action, name) for compartment, name in asked]
    compartment = asked[0][0]
    parameters: dict[str, Any] = {
        "repositories": [name for _, name in asked],
        "befores": [before for before, _ in around],
        "afters": [after for _, after in around],
        "most": most,
        "bytes": MAX_BYTES,
        **(room := limits.room(compartment, action)),
    }
    return fetch(compartment.alias, _REVEAL_IF_ROOM if room else _REVEAL, parameters)


def _judged(repository: str, rows: list[Row], most: int) -> Found | NotFound | Invalid:
    if not rows:
        return NotFound()
    if len(rows) > most:
        return too_many(most)
    found = [row[:-1] for row in rows if row[0] is not None]
    if any(row[-1] is None for row in found):
        return too_large()
    return Found(repository, found, logged=rows[0][-1])


def too_many(most: int) -> Invalid:
    return Invalid({"repository": f"Its labels reach more than {most} values: narrow the filters of its sets."})


def too_large() -> Invalid:
    most = MAX_BYTES // 2**20
    return Invalid({"repository": f"Its labels reach values of more than {most} MiB: narrow the filters of its sets."})
