"""Reminders of dates: each in the log once, found by what is due, and only where there is still a date."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db.models import F

from tenants.actions import parameters
from tenants.actions.parameter_deletion import restore_parameter, restore_set
from tenants.actions.parameter_values import NewValue
from tenants.errors import Invalid
from tenants.pagination import PageRequest
from tenants.records.models import AuditRow, Parameter
from tenants.registry.models import Due
from tests.conftest import Household, acting_as
from tests.tenants.actions.test_parameter_history import new_set

Sweep = Callable[[], int]


pytestmark = pytest.mark.usefixtures("one_day")


def in_days(days: int) -> date:
    return datetime.now(UTC).date() + timedelta(days=days)


def reminders(household: Household) -> list[tuple[str, str, int]]:
    with household.enter():
        rows = AuditRow.objects.filter(entry__contains='"parameter.expir').order_by("position")
        entries = [json.loads(row.entry) for row in rows]
    return [(entry["action"], entry["subject"], entry["detail"]["days"]) for entry in entries]


def hints(household: Household) -> list[tuple[uuid.UUID, datetime]]:
    rows = Due.objects.filter(tenant=household.tenant, kind=Due.Kind.REMIND).order_by("due_at")
    return list(rows.values_list("message_id", "due_at"))


def pass_days(household: Household, days: int) -> None:
    """Move the dates of this tenant's parameters, and what is due, nearer by so many days."""
    back = timedelta(days=days)
    with household.enter():
        for parameter in Parameter.objects.exclude(expires_on=None):
            remembered = parameter.reminded_at and parameter.reminded_at - back
            day = parameter.expires_on and parameter.expires_on - back
            Parameter.objects.filter(id=parameter.id).update(expires_on=day, reminded_at=remembered)
    with acting_as("worker"):
        Due.objects.filter(tenant=household.tenant).update(due_at=F("due_at") - back)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@pytest.fixture
def dated(household: Household) -> uuid.UUID:
    """A set whose parameter TOKEN expires in 40 days; another one's date is not known."""
    with household.enter() as inside:
        set_id = new_set(inside, OTHER="1")
        parameters.set_parameter(inside, set_id, name="TOKEN", value="x", expires_on=in_days(40))
    return set_id


def test_the_log_says_so_four_times(household: Household, dated: uuid.UUID, sweep: Sweep, no_worker: None) -> None:
    [(_, due_at)] = hints(household)
    assert due_at == midnight(in_days(10))
    sweep()
    assert reminders(household) == []
    seen = []
    for days in (10, 23, 6, 1, 1):  # 30, 7, 1, 0 days left, and the day after
        pass_days(household, days)
        sweep()
        seen.append(len(reminders(household)))
    assert seen == [1, 2, 3, 3, 4]
    assert hints(household) == []
    [kind] = {subject.partition("/")[2] for _, subject, _ in reminders(household)}
    assert kind == "TOKEN"
    assert [(action, days) for action, _, days in reminders(household)] == [
        ("parameter.expiring", 30),
        ("parameter.expiring", 7),
        ("parameter.expiring", 1),
        ("parameter.expired", -1),
    ]


def test_a_worker_that_died_before_it_forgot_the_hint_says_it_once(
    household: Household, dated: uuid.UUID, sweep: Sweep, no_worker: None
) -> None:
    pass_days(household, 10)
    sweep()
    with acting_as("worker"):
        Due.objects.filter(tenant=household.tenant).update(due_at=datetime.now(UTC))
    sweep()
    assert len(reminders(household)) == 1
    [(_, due_at)] = hints(household)
    assert due_at == midnight(in_days(23))


def test_a_new_date_counts_whether_it_is_earlier_or_later(
    household: Household, dated: uuid.UUID, sweep: Sweep, no_worker: None
) -> None:
    with household.enter() as inside:
        parameter = Parameter.objects.get(name="TOKEN")
        told = {"description": "", "expires_on": in_days(8)}
        parameters.describe_parameter(inside, dated, parameter.id, **told)  # type: ignore[arg-type]  # each its own
        assert hints(household) == [(parameter.id, midnight(in_days(days))) for days in (1, 10)]
        parameters.apply_changes(inside, dated, values=[NewValue("TOKEN", "y", expires_on=in_days(100))])
    pass_days(household, 10)
    sweep()  # looks, and finds that it has time
    assert reminders(household) == []
    assert hints(household) == [(parameter.id, midnight(in_days(90 - 30)))] * 2
    pass_days(household, 60)
    sweep()
    assert reminders(household) == [("parameter.expiring", "set/TOKEN", 30)]
    assert hints(household) == [(parameter.id, midnight(in_days(23)))]  # of several for one day the oldest stays


@pytest.mark.parametrize("whole_set", [False, True])
def test_nobody_is_reminded_of_what_is_gone_but_of_what_came_back(
    household: Household, dated: uuid.UUID, sweep: Sweep, no_worker: None, *, whole_set: bool
) -> None:
    with household.enter() as inside:
        parameter = Parameter.objects.get(name="TOKEN")
        if whole_set:
            parameters.delete_set(inside, dated)
        else:
            parameters.delete_parameter(inside, dated, parameter.id)
    pass_days(household, 40)
    sweep()
    assert reminders(household) == []
    with household.enter() as inside:
        if whole_set:
            restore_set(inside, dated)
        else:
            restore_parameter(inside, dated, parameter.id)
    sweep()
    assert [(action, days) for action, _, days in reminders(household)] == [("parameter.expiring", 0)]


def test_a_date_taken_away_is_forgotten(household: Household, dated: uuid.UUID, sweep: Sweep, no_worker: None) -> None:
    with household.enter() as inside:
        parameter = Parameter.objects.get(name="TOKEN")
        parameters.describe_parameter(inside, dated, parameter.id, description="", expires_on=None)
    with acting_as("worker"):
        rows = Due.objects.filter(tenant=household.tenant)
        rows.update(due_at=datetime.now(UTC), created_at=datetime.now(UTC) - timedelta(hours=1))
    sweep()
    assert (hints(household), reminders(household)) == ([], [])


def test_the_list_tells_which_sets_hold_what_expires(household: Household, dated: uuid.UUID) -> None:
    def told() -> list[tuple[int, int]]:
        with household.enter() as inside:
            page = parameters.list_sets(inside, PageRequest())
            return [(row.size, row.expiring) for row in page.items]

    assert told() == [(2, 0)]
    pass_days(household, 41)
    assert told() == [(2, 1)]


@pytest.mark.parametrize("day", [date.min, date(1999, 12, 31), date(2200, 1, 1), date.max])
def test_a_day_is_one_that_will_come(household: Household, dated: uuid.UUID, day: date) -> None:
    with household.enter() as inside, pytest.raises(Invalid) as refused:
        parameters.set_parameter(inside, dated, name="TOKEN", value="x", expires_on=day)
    assert set(refused.value.fields) == {"expires_on"}
