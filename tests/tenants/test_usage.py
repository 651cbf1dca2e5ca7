"""Counting what the log says: each entry once, whoever counts, however often it is broken off."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import psycopg
import pytest
from django.db import connections, transaction
from django.db.models.functions import Now
from psycopg import sql

from tenants.actions import builds, parameters, repositories, ssh_keys, usage
from tenants.actions.usage import Sums
from tenants.actor import Actor
from tenants.compartment import Compartment, enter, enter_as_system
from tenants.records import counting
from tenants.records.audit import append
from tenants.records.counting import roll_up
from tenants.records.models import AuditRow, Usage, UsageHead
from tenants.registry import acts
from tenants.registry.models import Due
from tests.conftest import Household, NewPerson, at_once
from tests.tenants.conftest import Send, Sweep

pytestmark = pytest.mark.usefixtures("one_day")


def entry(action: str = "parameters.revealed", **changes: object) -> str:
    return json.dumps({"action": action, "actor_id": str(uuid.uuid4()), "detail": {}} | changes)


def counted() -> int:
    return sum(Usage.objects.filter(kind="reads").values_list("count", flat=True))


def today(inside: Compartment) -> Sums:
    return usage.usage_by_day(inside, 1)[0].sums


@pytest.fixture
def used(household: Household, new_person: NewPerson) -> Household:
    """Somebody who reads and builds, and an owner who reads."""
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        made = parameters.create_set(inside, name="all", description="", filters=[])
        ssh_keys.generate_key(inside, name="deploy", filters=[])
        parameters.reveal_environment(inside, "api")
        parameters.reveal_set(inside, made.id)
        ssh_keys.reveal_key(inside, "api", "deploy")
    with household.enter(household.join(new_person("dev"))) as inside:
        builds.start_build(inside, repository="api", revision="", overrides={}, ttl=600)
        parameters.reveal_environment(inside, "api")
    return household


def test_what_was_used_is_known_before_and_after_it_is_counted(used: Household) -> None:
    with used.enter() as inside:
        seen = []
        for _ in range(3):  # nothing counted, everything counted, nothing new
            seen.append((usage.usage_by_day(inside, 7), usage.usage_by_person(inside, 7)))
            roll_up(inside.alias)
        assert seen[0] == seen[1] == seen[2]
        days, people = seen[0]
        assert UsageHead.objects.get().position == AuditRow.objects.count()
    assert [day.sums for day in days[:6]] == [Sums()] * 6
    assert days[6].sums == Sums(builds=1, reads=4, acts=8)
    assert days[6].members == 2
    assert [(share.person_id == used.owner.id, share.sums.reads) for share in people] == [(True, 3), (False, 1)]


def test_messages_are_counted_on_both_sides(household: Household, neighbour: Household, send: Send) -> None:
    send('{"hello": "world"}')
    with household.enter() as inside:
        assert (today(inside).sent, today(inside).sent_bytes, today(inside).received) == (1, 18, 0)
    with neighbour.enter() as inside:
        assert (today(inside).sent, today(inside).received, today(inside).received_bytes) == (0, 1, 18)


def test_what_a_build_reads_counts_for_who_started_it(used: Household) -> None:
    with used.enter() as inside:
        started = builds.start_build(inside, repository="api", revision="", overrides={}, ttl=600)
    actor = Actor.person(used.owner.id, "owner", build_id=started.build.id)
    with used.enter() as inside:
        before = today(inside).reads
    with enter(used.slug, actor) as inside:
        builds.open_key(inside, started.enc)
        builds.own_environment(inside, started.build.id)
        builds.own_ssh_keys(inside, started.build.id)
    with used.enter() as inside:
        assert today(inside).reads == before + 3


def test_many_who_count_at_once_count_once(household: Household) -> None:
    with household.enter() as inside:
        roll_up(inside.alias)  # there is a head to contend for
        for _ in range(40):
            append(inside.alias, entry())

    def count() -> None:
        with enter_as_system(household.tenant.id, Actor.system("test")) as inside:
            roll_up(inside.alias)

    at_once(count, times=6)
    with household.enter():
        assert counted() == 40


def test_counting_goes_on_where_it_was_broken_off(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "BATCH", 3)
    with household.enter() as inside:
        for _ in range(10):
            append(inside.alias, entry())
        with pytest.raises(RuntimeError), connections[inside.alias].execute_wrapper(Killed(after=5)):
            roll_up(inside.alias)
        assert 0 < UsageHead.objects.get().position < 10
        roll_up(inside.alias)
        assert counted() == 10


def test_what_the_role_altered_is_counted_anew_from_the_log(used: Household) -> None:
    with used.enter() as inside:
        roll_up(inside.alias)
        before = usage.usage_by_day(inside, 1)
        Usage.objects.update(count=-1_000)
        UsageHead.objects.update(position=1_000_000)
        assert usage.usage_by_day(inside, 1) != before
        UsageHead.objects.all().delete()
        Usage.objects.all().delete()
        for _ in range(2):
            assert usage.usage_by_day(inside, 1) == before
            roll_up(inside.alias)


def test_much_that_no_worker_counted_is_looked_at_once(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "BATCH", 3)
    with household.enter() as inside:
        roll_up(inside.alias)
        for more, uncounted in ((3, 3), (1, 0), (7, 0), (1, 1)):
            for _ in range(more):
                append(inside.alias, entry())
            assert today(inside).reads - counted() == uncounted
        assert today(inside).reads == 12


class Killed:
    """Breaks off before the statement of this number."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, execute: object, *statement: object) -> object:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError
        return execute(*statement)  # type: ignore[operator]


@pytest.mark.parametrize(
    "odd",
    [
        "7",
        "[1]",
        '"text"',
        '{"action": "message.sent", "actor_id": "x", "detail": {"bytes": "1e9"}}',
        '{"action": "message.sent", "actor_id": [], "detail": {"bytes": -1}}',
        '{"action": "message.sent", "detail": {"bytes": 99999999999999999999}}',
        '{"action": "message.sent", "detail": 5}',
        '{"action": ["build.started"], "actor_id": "00000000-0000-0000-0000-00000000000g"}',
    ],
)
def test_an_odd_entry_counts_for_nobody_and_stops_nothing(household: Household, odd: str) -> None:
    """The log takes any JSON from the tenant's own role."""
    with household.enter() as inside:
        append(inside.alias, odd)
        append(inside.alias, entry())
        for _ in range(2):
            assert (today(inside).reads, today(inside).builds, today(inside).sent_bytes) == (1, 0, 0)
            assert usage.usage_by_person(inside, 1)
            roll_up(inside.alias)


def test_nobody_learns_whose_id_it_is(household: Household, neighbour: Household) -> None:
    with household.enter() as inside:
        append(inside.alias, entry(actor_id=str(neighbour.owner.id)))
        [share] = usage.usage_by_person(inside, 1)
    assert (share.person_id, share.name) == (neighbour.owner.id, None)


def _hints(household: Household) -> list[Due]:
    return list(Due.objects.filter(tenant=household.tenant, kind=Due.Kind.COUNT))


def test_a_worker_comes_where_something_is_new_and_nowhere_else(
    used: Household, neighbour: Household, sweep: Sweep
) -> None:
    [hint] = _hints(used)
    assert _hints(neighbour) == []
    assert timedelta(minutes=2) < hint.due_at - hint.created_at <= timedelta(minutes=7)
    Due.objects.using("worker").filter(id=hint.id).update(due_at=Now())
    sweep()
    assert _hints(used) == []
    with used.enter():
        assert UsageHead.objects.get().position == AuditRow.objects.count()


def test_a_hint_is_relied_on_once_it_is_committed(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction.atomic():
        acts.note_act(household.tenant.id)
        transaction.set_rollback(True)
    assert _hints(household) == []
    acts.note_act(household.tenant.id)
    assert len(_hints(household)) == 1
    monkeypatch.setattr(acts, "announce_count", pytest.fail)
    acts.note_act(household.tenant.id)


def test_days_are_those_of_utc(household: Household, administrator: psycopg.Connection) -> None:
    with household.enter() as inside:
        append(inside.alias, entry())
        before_midnight = "UPDATE {}.audit SET at = date_trunc('day', now(), 'UTC') - interval '1 s'"
        administrator.execute(sql.SQL(before_midnight).format(sql.Identifier(inside.alias)))
        yesterday, this_day = usage.usage_by_day(inside, 2)
    assert (yesterday.sums.reads, this_day.sums.reads) == (1, 0)
