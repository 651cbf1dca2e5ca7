"""Statements that are prepared: where the connection ends at PostgreSQL itself, and nowhere else."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import ReferenceType, ref

import psycopg
import pytest
from django.db import NotSupportedError, connections, transaction

from tenants.actions import parameters, repositories
from tenants.databases import prepared
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


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "its thread ended"])
def test_a_connection_that_is_over_is_let_go(household: Household, *, closed: bool) -> None:
    """It would keep a server busy, and hold what it read last."""

    def read() -> ReferenceType[psycopg.Connection[Any]]:
        with household.enter() as inside:
            assert fetch(inside.alias, "SELECT %(sealed)s::bytea", {"sealed": b"sealed"}) == [(b"sealed",)]
            alive = ref(connections[inside.alias].connection)
            if closed:
                connections[inside.alias].close()
        connections["default"].close()  # Django leaves its own open
        return alive

    gc.collect()  # what other tests have left
    kept = len(prepared._cursors)
    with ThreadPoolExecutor(1) as threads:
        alive = threads.submit(read).result()
    gc.collect()
    assert alive() is None
    assert len(prepared._cursors) == kept


@pytest.fixture
def changing(administrator: psycopg.Connection) -> Iterator[str]:
    """What reads a table that a migration changes."""
    administrator.execute("CREATE TABLE registry.changing (name varchar(10))")
    administrator.execute("GRANT SELECT ON registry.changing TO bulkhead_web")
    administrator.execute("INSERT INTO registry.changing VALUES ('one')")
    yield "SELECT name, %(number)s::int FROM registry.changing"
    administrator.execute("DROP TABLE registry.changing")


def test_a_migration_meanwhile_is_not_noticed(changing: str, administrator: psycopg.Connection) -> None:
    """PostgreSQL refuses a plan whose columns have changed, for as long as the connection lives."""
    assert fetch("default", changing, {"number": 1}) == [("one", 1)]
    for length in (20, 30):
        administrator.execute(f"ALTER TABLE registry.changing ALTER name TYPE varchar({length})")
        assert fetch("default", changing, {"number": 2}) == [("one", 2)]
    administrator.execute("ALTER TABLE registry.changing ALTER name TYPE varchar(40)")
    with transaction.atomic(), pytest.raises(NotSupportedError), transaction.atomic():
        fetch("default", changing, {"number": 3})  # what came before it in the transaction is lost with it
    assert fetch("default", changing, {"number": 3}) == [("one", 3)]
