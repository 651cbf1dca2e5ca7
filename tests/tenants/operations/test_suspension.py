"""Workers pass a suspended tenant over: nothing of it is delivered or deleted, and what waited is due afterwards."""

from __future__ import annotations

import uuid
from datetime import timedelta

import psycopg
import pytest
from django.db import connections
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from tenants.actions import messages
from tenants.errors import Gone, Suspended
from tenants.operations import ReinstateTenant
from tenants.pagination import PageRequest
from tenants.records.models import ReceivedContent, ReceivedMessage, SentContent, SentMessage
from tenants.registry.due import database_now
from tenants.registry.models import Due
from tests.conftest import Household
from tests.tenants.conftest import Send, Sweep
from tests.tenants.operations.conftest import apply, destroy, suspend

pytestmark = pytest.mark.usefixtures("no_worker")


def expire(household: Household) -> None:
    with household.enter():
        for table in (SentMessage, ReceivedMessage):
            table.objects.update(expires_at=Now() - timedelta(seconds=1))
    hints = Due.objects.using("worker").filter(tenant=household.tenant)
    hints.update(due_at=Now() - timedelta(seconds=1))


def reinstate(household: Household) -> None:
    apply(ReinstateTenant(household.slug, reason="Paid."))


def contents(household: Household) -> tuple[int, int]:
    with household.enter():
        return SentContent.objects.count(), ReceivedContent.objects.count()


def test_expiry_waits_and_is_done_soon_after(
    household: Household, neighbour: Household, send: Send, sweep: Sweep
) -> None:
    arrived, waiting = send(), send(deliver=False)
    for house in (household, neighbour):
        expire(house)
        suspend(house.tenant)
    sweep()
    for message_id in (arrived, waiting):
        assert Due.objects.filter(message_id=message_id).exists()
    with pytest.raises(Suspended), neighbour.enter():
        pass
    for house in (household, neighbour):
        reinstate(house)
    with neighbour.enter() as inside, pytest.raises(Gone):  # whatever the workers have done by now
        messages.read_message(inside, arrived)
    assert (contents(household), contents(neighbour)) == ((1, 0), (0, 1))
    sweep()
    assert (contents(household), contents(neighbour)) == ((0, 0), (0, 0))
    assert not Due.objects.filter(message_id__in=[arrived, waiting]).exists()


def test_a_message_to_it_is_taken_and_waits(
    household: Household, neighbour: Household, send: Send, sweep: Sweep
) -> None:
    suspend(neighbour.tenant)
    message_id = send()
    sweep()
    assert contents(household) == (1, 0)
    reinstate(neighbour)
    sweep()
    with neighbour.enter() as inside:
        assert messages.read_message(inside, message_id)


def test_a_receipt_for_it_waits(household: Household, neighbour: Household, send: Send, sweep: Sweep) -> None:
    message_id = send()
    with neighbour.enter() as inside:
        messages.read_message(inside, message_id)
    suspend(household.tenant)
    sweep()
    reinstate(household)
    sweep()
    with household.enter() as inside:
        (sent,) = messages.list_sent(inside, PageRequest()).items
    assert sent.read_at is not None


def test_what_is_not_due_yet_is_put_back_to_its_time(neighbour: Household, send: Send, sweep: Sweep) -> None:
    message_id = send(ttl=600)
    suspend(neighbour.tenant)
    sweep()
    reinstate(neighbour)  # makes due what would have been due within the hour as well
    sweep()
    hint = Due.objects.get(message_id=message_id, kind=Due.Kind.EXPIRE_RECEIVED)
    with neighbour.enter() as inside:
        assert hint.due_at == messages.get_envelope(inside, message_id).expires_at
    assert hint.attempts == 0


def test_its_work_does_not_keep_workers_busy(
    household: Household, sweep: Sweep, administrator: psycopg.Connection
) -> None:
    """A thousand rows of a suspended tenant are put off in one statement, and not looked at again for an hour."""
    # Others' may fall due meanwhile, of whatever kind.
    later = "UPDATE registry.due SET due_at = now() + interval '15 min' WHERE due_at < now() + interval '15 min'"
    administrator.execute(later)
    suspend(household.tenant)
    past = database_now() - timedelta(seconds=1)
    hints = [
        Due(tenant=household.tenant, kind=Due.Kind.EXPIRE_SENT, message_id=uuid.uuid4(), due_at=past)
        for _ in range(1000)
    ]
    Due.objects.bulk_create(hints)
    with CaptureQueriesContext(connections["worker"]) as asked:
        assert sweep() <= 100
    assert len(asked) < 20
    assert not Due.objects.filter(tenant=household.tenant, due_at__lte=Now() + timedelta(minutes=50)).exists()
    assert sweep() == 0
    Due.objects.using("worker").filter(tenant=household.tenant).delete()


def test_what_was_sent_to_it_is_refused_when_it_is_destroyed(
    household: Household, neighbour: Household, send: Send, sweep: Sweep
) -> None:
    suspend(neighbour.tenant)
    send()
    destroy(neighbour.tenant)
    sweep()
    assert contents(household) == (0, 0)
    with household.enter():
        assert SentMessage.objects.get().refused == "The connection has ended."
