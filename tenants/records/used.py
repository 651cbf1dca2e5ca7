"""Reads what a tenant used: what has been counted, and what of the log is left to count, in one statement.

So it is up to date whenever a worker comes next. Of much that is left to count, as where no worker runs, the reader
counts first (`catch_up`). `days` are the last ones, today's too.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import connections

from tenants.records.counting import TODAY, UNCOUNTED, Kind, Used, catch_up, uncounted

_USED: Final = f"""
WITH {UNCOUNTED},
used AS (
    SELECT day, kind, person_id, count, bytes FROM usage WHERE day > {TODAY} - %(days)s::int
    UNION ALL SELECT day, kind, person_id, count, bytes FROM counted WHERE day > {TODAY} - %(days)s::int)"""  # noqa: S608 - parts of ours

_BY_DAY: Final = f"""
SELECT {TODAY} - ago, kind, coalesce(sum(count), 0)::bigint, coalesce(sum(bytes), 0)::bigint, count(DISTINCT person_id)
FROM generate_series(0, %(days)s::int - 1) AS ago LEFT JOIN used ON day = {TODAY} - ago
GROUP BY ago, kind ORDER BY ago DESC"""  # noqa: S608

_BY_PERSON: Final = """,
most AS (
    SELECT person_id FROM used WHERE person_id IS NOT NULL
    GROUP BY person_id ORDER BY sum(count) FILTER (WHERE kind = 'acts') DESC NULLS LAST, person_id LIMIT %(rows)s)
SELECT person_id, kind, sum(count)::bigint, sum(bytes)::bigint FROM used JOIN most USING (person_id)
GROUP BY person_id, kind"""

_BY_DAY_AND_PERSON: Final = """
SELECT day, person_id, kind, sum(count)::bigint, sum(bytes)::bigint FROM used
GROUP BY day, person_id, kind ORDER BY day, person_id NULLS LAST LIMIT %(rows)s"""

_OF_TODAY: Final = "\nSELECT kind, sum(count)::bigint, sum(bytes)::bigint FROM used GROUP BY kind"


def by_day(alias: str, days: int) -> list[tuple[date, str | None, int, int, int]]:
    """Return (day, kind, count, bytes, people), oldest first; a day without anything has one row without a kind."""
    return _rows(alias, _BY_DAY, days)


def by_person(alias: str, days: int, most: int) -> list[tuple[UUID, str, int, int]]:
    """Return (person, kind, count, bytes) of the `most` most active people."""
    return _rows(alias, _BY_PERSON, days, most)


def by_day_and_person(alias: str, days: int, most: int) -> list[tuple[date, UUID | None, str, int, int]]:
    """Return (day, person, kind, count, bytes), oldest first; at most so many rows."""
    return _rows(alias, _BY_DAY_AND_PERSON, days, most)


def today(alias: str) -> dict[Kind, Used]:
    return {Kind(kind): Used(count, size, 0) for kind, count, size in _rows(alias, _OF_TODAY, 1) if kind in set(Kind)}


def _rows(alias: str, query: str, days: int, rows: int | None = None) -> list[tuple[Any, ...]]:
    catch_up(alias)
    with connections[alias].cursor() as cursor:
        cursor.execute(_USED + query, {**uncounted(), "days": days, "rows": rows})
        return list(cursor.fetchall())
