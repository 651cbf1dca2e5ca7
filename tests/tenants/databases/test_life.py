"""When connections end: with their thread, with their process, never with a forked child; and how many there are."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings as live
from django.db import connections
from pytest_django import Settings

from tenants.databases import OutsideCompartmentError, base
from tenants.databases.base import close_compartments, warm
from tenants.records.models import Repository
from tests.conftest import Household, NewTenant
from tests.tenants.databases.conftest import Backends, Program


def look(house: Household) -> None:
    with house.enter():
        assert Repository.objects.count() == 0


def test_a_thread_that_ends_closes_its_connections(household: Household, backends: Backends) -> None:
    def work() -> None:
        look(household)
        assert len(backends(household)) == 1
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert backends(household, until=0) == []


def test_a_process_that_ends_leaves_no_backend(household: Household, backends: Backends, program: Program) -> None:
    shown = program(
        """
        print(look()[0])
        done, stay = threading.Event(), threading.Event()
        def beside():
            look()
            connections.close_all()  # the registry's; compartments' are the subject
            done.set()
            stay.wait()
        threading.Thread(target=beside, daemon=True).start()
        done.wait()
        connections.close_all()
        """,
        household,
    )
    assert int(shown) not in backends(household, until=0)


def test_a_killed_process_leaves_no_backend(household: Household, backends: Backends, program: Program) -> None:
    program("look(); connections.close_all(); os._exit(0)", household)
    assert backends(household, until=0) == []


def test_a_forked_child_and_its_parent_both_work(
    household: Household, neighbour: Household, backends: Backends, program: Program
) -> None:
    shown = program(
        """
        first = look()
        look(1)
        child = os.fork()
        if child == 0:
            assert not warm.wrappers
            second = look()
            assert second[1] == first[1] and second[0] != first[0], (first, second)
            close_compartments(); connections.close_all()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert look() == first  # the same session, though the child has ended
        # A child that does nothing, and one that ends as programs do, take nothing along either.
        for end in (lambda: os._exit(0), sys.exit):
            child = os.fork()
            if child == 0:
                end()
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert look() == first
        assert Tenant.objects.count() > 1  # nor the registry's connection
        connections.close_all()
        print("both")
        """,
        household,
        neighbour,
    )
    assert shown == "both\n"
    assert backends(household, neighbour, until=0) == []


def test_a_child_keeps_no_connection_of_its_parents_open(
    household: Household, backends: Backends, program: Program
) -> None:
    program(
        """
        look()
        ready, written = os.pipe()
        if os.fork() == 0:
            os.write(written, b"1")
            os.close(1), os.close(2)
            time.sleep(20)  # outlives its parent, whose session must not wait for it
            os._exit(0)
        os.read(ready, 1)
        os.kill(os.getpid(), 9)
        """,
        household,
        status=-9,
    )
    assert backends(household, until=0) == []


def test_threads_together_stay_within_the_bound_of_the_process(
    new_tenant: NewTenant, backends: Backends, settings: Settings
) -> None:
    settings.COMPARTMENT_CONNECTIONS_PROCESS = 6
    houses = [new_tenant() for _ in range(4)]
    first, seen = threading.Barrier(8), threading.Barrier(8)
    counted: list[int] = []

    def work(number: int) -> None:
        for turn in range(4):
            look(houses[(number + turn) % 4])
        first.wait(60)
        if number == 0:
            counted.append(len(backends(*houses, most=8)))
        seen.wait(60)
        connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert 0 < counted[0] <= 8  # six for the process, and one for each of its threads at the least
    assert backends(*houses, until=0) == []


def test_one_thread_alone_keeps_as_many_as_it_may(new_tenant: NewTenant, settings: Settings) -> None:
    settings.COMPARTMENT_CONNECTIONS = 3
    houses = [new_tenant() for _ in range(4)]
    for house in houses:
        look(house)
    assert list(warm.wrappers)[-3:] == [house.tenant.schema for house in houses[1:]]
    assert len(warm.wrappers) == 3


def test_an_idle_connection_is_asked_before_it_is_used(
    household: Household,
    backends: Backends,
    administrator: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look(household)
    (first,) = backends(household)
    administrator.execute("SELECT pg_terminate_backend(%s)", [first])
    monkeypatch.setattr(base, "CHECK_AFTER_SECONDS", 0.0)  # as if it had been idle for long
    look(household)
    (second,) = backends(household, until=1)
    assert second != first


def test_an_old_connection_is_replaced(household: Household, backends: Backends) -> None:
    look(household)
    (first,) = backends(household)
    wrapper = warm.wrappers[household.tenant.schema]
    assert wrapper.close_at is not None
    wrapper.close_at = 0
    look(household)
    (second,) = backends(household, until=1)
    assert second != first


def test_nothing_connects_from_outside(household: Household, backends: Backends) -> None:
    look(household)
    wrapper = warm.wrappers[household.tenant.schema]
    wrapper.close()
    with pytest.raises(OutsideCompartmentError):
        wrapper.ensure_connection()
    assert backends(household, until=0) == []


def test_settings_of_a_compartment_hold_no_password(household: Household) -> None:
    look(household)
    assert warm.wrappers[household.tenant.schema].settings_dict["PASSWORD"] == ""
    with household.enter() as inside:
        assert live.DATABASES[inside.alias]["PASSWORD"] == ""


@pytest.mark.parametrize("thread_sensitive", [True, False])
def test_tasks_of_one_loop_see_their_own_compartments(
    household: Household, neighbour: Household, *, thread_sensitive: bool
) -> None:
    def visit(house: Household, name: str) -> set[str]:
        try:
            with house.enter():
                Repository.objects.create(name=name, url="", labels=[])
                return set(Repository.objects.values_list("name", flat=True))
        finally:
            close_compartments()
            connections.close_all()

    async def several() -> list[set[str]]:
        work = sync_to_async(visit, thread_sensitive=thread_sensitive)
        houses = [household, neighbour] * 6
        return await asyncio.gather(*[work(house, f"{house.slug}-{turn}") for turn, house in enumerate(houses)])

    for number, names in enumerate(async_to_sync(several)()):
        slug = (household, neighbour)[number % 2].slug
        assert names
        assert all(name.startswith(slug) for name in names)


def test_a_server_that_is_gone_without_a_word_is_noticed(household: Household) -> None:
    """Whoever waits for an answer of a machine that lost its power would wait for two hours."""
    with household.enter() as inside, connections[inside.alias].cursor():
        for alias in ("default", inside.alias):
            said = connections[alias].connection.info.get_parameters()
            assert int(said["keepalives_idle"]) + int(said["keepalives_interval"]) * int(said["keepalives_count"]) <= 30
