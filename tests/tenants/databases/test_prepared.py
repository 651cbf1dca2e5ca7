"""Statements that are prepared: where the connection ends at PostgreSQL itself, and nowhere else."""

from __future__ import annotations

from typing import Any

from django.db import connections

from tenants.actions import parameters, repositories
from tenants.databases.prepared import fetch
from tests.conftest import Household

PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%reached%%'"


def known(alias: str) -> int:
    """Return how many statements of the kind the server has prepared for this connection."""
    with connections[alias].cursor() as cursor:
        cursor.execute(PREPARED, [])
        return int((cursor.fetchone() or (0,))[0])


def test_a_statement_is_planned_once_in_a_connection(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        for _ in range(3):
            parameters.reveal_environment(inside, "api")
            assert known(inside.alias) == 1
        connections[inside.alias].close()
        assert known(inside.alias) == 0


def test_what_django_sends_is_not_prepared(household: Household) -> None:
    with household.enter() as inside:
        fetch(inside.alias, "SELECT %(one)s::int", {"one": 1})
        with connections[inside.alias].cursor() as cursor:
            cursor.execute("SELECT 'reached', %s", [1])
        assert known(inside.alias) == 0


def test_a_row_is_the_same_over_a_plain_cursor(household: Household) -> None:
    """A connection that is replaced in the middle of a statement goes on with Django's."""
    sent = "SELECT %(text)s::text, %(number)s::int, %(raw)s::bytea"
    given: dict[str, Any] = {"text": "ä", "number": 1, "raw": b"\x00\xff"}
    with household.enter() as inside, connections[inside.alias].cursor() as cursor:
        cursor.execute(sent, given)
        text, number, raw = cursor.fetchone() or ("", 0, b"")
        assert fetch(inside.alias, sent, given) == [(text, number, bytes(raw))]
