"""Readers at one time: each has its own entry, committed before it goes on, and they share the wait for the disk."""

from __future__ import annotations

import json
from dataclasses import replace
from threading import Event, Lock
from typing import Any

import pytest
from django.db import connections

from tenants.actions import parameters, repositories
from tenants.records import together
from tenants.records.audit import AuditRow, entry, entry_around_names
from tenants.records.together import append, reading
from tests.conftest import Household, at_once

READERS = 6


def entries(household: Household) -> list[dict[str, Any]]:
    with household.enter():
        return [json.loads(text) for text in AuditRow.objects.order_by("position").values_list("entry", flat=True)]


def test_each_reader_has_an_entry_before_it_goes_on(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        added = parameters.create_set(inside, name="all", description="", filters=[])
        parameters.set_parameter(inside, added.id, name="TOKEN", value="value")

    def read() -> int:
        with household.enter() as inside:
            assert parameters.reveal_environment(inside, "api").values == {"TOKEN": "value"}
            with connections[inside.alias].cursor() as cursor:
                cursor.execute("SELECT count(*) FROM audit WHERE entry LIKE %s", ["%parameters.revealed%"])
                return int((cursor.fetchone() or (0,))[0])

    seen = [each for _ in range(3) for each in at_once(read, times=READERS)]
    read_acts = [act for act in entries(household) if act["action"] == "parameters.revealed"]
    assert len(read_acts) == len(seen) == 3 * READERS
    assert all(act == read_acts[0] for act in read_acts), "alone or together, an entry is the same"
    assert min(seen[:READERS]) >= 1
    assert together._logs == {}


def test_who_waits_meanwhile_is_written_in_one_statement(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on, lock = Event(), Event(), Lock()
    batches: list[int] = []
    write = together._write

    def watched(alias: str, waiting: list[Any]) -> None:
        with lock:
            batches.append(len(waiting))
            first = len(batches) == 1
        if first:
            begun.set()
            assert go_on.wait(10)
        write(alias, waiting)

    monkeypatch.setattr(together, "_write", watched)

    def work() -> None:
        with household.enter() as inside, reading(inside.alias):
            with lock:
                leads = not begun.is_set() and not batches
            if not leads:
                assert begun.wait(10)
            append(inside.alias, '{"action":"tried"}')

    def release() -> None:
        assert begun.wait(10)
        while True:
            with together._lock:
                if any(len(log.waiting) == READERS - 1 for log in together._logs.values()):
                    break
        go_on.set()

    tasks = iter([release, *[work] * READERS])

    def act() -> None:
        with lock:
            task = next(tasks)
        task()

    at_once(act, times=READERS + 1)
    assert batches == [1, READERS - 1]
    assert [act["action"] for act in entries(household)].count("tried") == READERS


def test_a_failure_is_everybodys_own(household: Household) -> None:
    """Nobody goes on because somebody else was to write."""
    schema = household.tenant.schema
    with connections["provisioner"].cursor() as cursor:
        cursor.execute(f"REVOKE INSERT (entry) ON {schema}.audit FROM {schema}")

    def work() -> str:
        with household.enter() as inside, reading(inside.alias):
            try:
                append(inside.alias, "{}")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                return str(error)
        return "went on"

    assert all("permission denied" in told for told in at_once(work, times=READERS))
    assert together._logs == {}


@pytest.mark.parametrize(
    "label", ["owner@example.org", 'a "names":[] b', 'Zoë \\ " \x1f'], ids=["plain", "hostile", "odd"]
)
def test_an_entry_that_sql_completes_is_the_same_text(household: Household, label: str) -> None:
    actor = replace(household.actor(), label=label)
    before, after = entry_around_names(actor, "parameters.revealed", label)
    assert before + '"A","B"' + after == entry(actor, "parameters.revealed", label, {"names": ["A", "B"]})
