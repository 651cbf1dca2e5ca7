"""Workers and writers at the same moment: of several hints about one date one stays, and none looks too early."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import psycopg
import pytest
from django.db import transaction

from tenants.actions import parameters
from tenants.actions.parameter_deletion import restore_parameter
from tenants.actions.parameter_reminders import remind_now
from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.delivery import _drop_if_orphaned
from tenants.errors import NotFound
from tenants.registry.due import claim, settle
from tenants.registry.models import Due
from tenants.reminding import remind_due
from tests.conftest import Household, acting_as, at_once
from tests.tenants.actions.test_parameter_history import new_set
from tests.tenants.actions.test_parameter_reminders import hints, in_days, midnight, reminders

WAITING: Final = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = ANY (%s)"
PATIENCE: Final = 50  # seconds; a transaction that is idle for a minute is ended
SOON, LATE = 5, 100  # days; of both, the next reminder is a day that the other date has none on

pytestmark = pytest.mark.usefixtures("one_day")

Meanwhile = Callable[[Callable[[], None]], AbstractContextManager[Callable[[], Future[list[None]]]]]


@dataclass(frozen=True)
class Dated:
    """A tenant with one parameter that has a date."""

    household: Household
    set_id: uuid.UUID
    id: uuid.UUID

    def expire_in(self, days: int) -> None:
        with self.household.enter() as inside:
            day = in_days(days)
            parameters.describe_parameter(inside, self.set_id, self.id, description="", expires_on=day)

    def make_due(self) -> None:
        """Let the time of what nobody claimed come, and the time go by in which its date might still be stored."""
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        with acting_as("worker"):
            unclaimed = Due.objects.filter(tenant=self.household.tenant, kind=Due.Kind.REMIND, attempts=0)
            unclaimed.update(due_at=datetime.now(UTC), created_at=long_ago)

    def claim(self) -> list[Due]:
        """Claim what is due, as a worker does."""
        own = self.household.tenant.id, Due.Kind.REMIND
        return [due for due in claim(1000) if (due.tenant_id, due.kind) == own]


@pytest.fixture
def dated(household: Household, no_worker: None, no_backlog: None) -> Dated:
    with household.enter() as inside:
        set_id = new_set(inside)
        made = parameters.set_parameter(inside, set_id, name="TOKEN", value="x", expires_on=in_days(SOON))
    return Dated(household, set_id, made.id)


@pytest.fixture
def meanwhile(household: Household, administrator: psycopg.Connection) -> Meanwhile:
    """Give what begins another worker's work, and returns once that waits for a lock, or is done."""
    waiting = [["bulkhead_worker", household.tenant.schema]]

    @contextmanager
    def meanwhile(work: Callable[[], None]) -> Iterator[Callable[[], Future[list[None]]]]:
        def act() -> None:
            with acting_as("worker"):
                work()

        def begin() -> Future[list[None]]:
            begun, latest = threads.submit(at_once, act, times=1), time.monotonic() + PATIENCE
            while not begun.done() and not administrator.execute(WAITING, waiting).fetchall():
                assert time.monotonic() < latest
                time.sleep(0.01)
            return begun

        with ThreadPoolExecutor(1) as threads:
            yield begin

    return meanwhile


@pytest.mark.parametrize("dropped_first", [False, True], ids=["relied-on-first", "dropped-first"])
def test_what_is_restored_while_its_old_hint_is_dropped_keeps_one(
    dated: Dated, meanwhile: Meanwhile, *, dropped_first: bool
) -> None:
    """One worker found nothing for the older hint; another finds the parameter, for the newer."""
    household = dated.household
    with household.enter() as inside:
        parameters.delete_parameter(inside, dated.set_id, dated.id)
    dated.make_due()
    with acting_as("worker"):
        [older] = dated.claim()
        with pytest.raises(NotFound):
            remind_due(older)
    with household.enter() as inside:
        restore_parameter(inside, dated.set_id, dated.id)
    with acting_as("worker"):
        [newer] = dated.claim()
        steps = [partial(remind_due, newer), partial(_drop_if_orphaned, older)]
        first, second = reversed(steps) if dropped_first else steps
        with meanwhile(second) as begin:
            with transaction.atomic():
                first()
                begun = begin()
            begun.result(60)
    assert reminders(household) == [("parameter.expiring", "set/TOKEN", SOON)]
    [(parameter_id, due_at)] = hints(household)
    assert parameter_id == dated.id
    assert due_at <= midnight(in_days(SOON - 1))


def test_a_look_from_before_the_date_moved_puts_off_nothing_that_is_relied_on(dated: Dated) -> None:
    """Between a worker's look and its end the date moves, and another forgets the newer hint for the older one."""
    household = dated.household
    dated.make_due()
    with acting_as("worker"):
        [older] = dated.claim()
    dated.expire_in(LATE)
    with acting_as("worker"):
        with enter_as_system(household.tenant.id, Actor.system("reminders")) as inside, inside.transaction():
            again = remind_now(inside, dated.id)
        assert again == midnight(in_days(LATE - 30))
    dated.expire_in(SOON)
    dated.make_due()
    with acting_as("worker"):
        for newer in dated.claim():
            remind_due(newer)
        settle(older, again)
    assert [item for item, _ in hints(household)] == [dated.id]
    [(_, due_at)] = hints(household)
    assert due_at <= midnight(in_days(SOON - 1))


def test_a_date_that_is_looked_at_before_it_is_stored_is_waited_for(dated: Dated, meanwhile: Meanwhile) -> None:
    """As around midnight: the date before it would put the hint off until after the next reminder."""
    household = dated.household
    dated.expire_in(LATE)

    def look() -> None:
        for due in dated.claim():
            remind_due(due)

    with meanwhile(look) as begin:
        with household.enter() as inside, inside.transaction():
            dated.expire_in(SOON)
            dated.make_due()
            begun = begin()
        begun.result(60)
    assert reminders(household) == [("parameter.expiring", "set/TOKEN", SOON)]
    assert hints(household) == [(dated.id, midnight(in_days(SOON - 1)))]
