"""Delivery and expiry: once, in order or not, by the database's clock, whatever a sender's own tables say."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connections as connections_of_django
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from tenants.actions import connections, messages
from tenants.errors import Gone, Invalid
from tenants.pagination import PageRequest
from tenants.records.models import AuditRow, ReceivedContent, ReceivedMessage, SentContent, SentMessage
from tenants.registry.models import Due, Tenant, TenantState
from tests.conftest import Household, NewTenant
from tests.tenants.conftest import Send, Sweep

pytestmark = pytest.mark.usefixtures("no_worker")


def test_only_sealed_bytes_wait_and_move(household: Household, neighbour: Household, send: Send, sweep: Sweep) -> None:
    message_id = send('"canary-4711"', deliver=False)
    with household.enter():
        waiting = bytes(SentContent.objects.get().sealed)
    sweep()
    with household.enter():
        assert SentContent.objects.count() == 0
        assert SentMessage.objects.get().delivered_at is not None
    with neighbour.enter():
        assert bytes(ReceivedContent.objects.get(message_id=message_id).sealed) == waiting
    assert b"canary" not in waiting


def test_an_expired_message_is_gone_before_any_sweep(neighbour: Household, send: Send, sweep: Sweep) -> None:
    message_id = send()
    with neighbour.enter() as inside:
        ReceivedMessage.objects.update(expires_at=Now() - timedelta(seconds=1))
        assert messages.list_inbox(inside, PageRequest()).items[0].expired
        for attempt in (messages.read_message, messages.get_envelope):
            with pytest.raises(Gone):
                attempt(inside, message_id)
        assert ReceivedContent.objects.count() == 1
        Due.objects.using("worker").filter(message_id=message_id).update(due_at=Now())
    sweep()
    with neighbour.enter():
        assert ReceivedContent.objects.count() == 0
        assert ReceivedMessage.objects.get().removed_at is not None
        assert AuditRow.objects.filter(entry__contains='"message.expired"').count() == 1
    assert not Due.objects.filter(message_id=message_id).exists()


def test_nothing_is_removed_early(neighbour: Household, send: Send, sweep: Sweep) -> None:
    message_id = send(ttl=600)
    Due.objects.using("worker").filter(message_id=message_id).update(due_at=Now())
    sweep()
    with neighbour.enter() as inside:
        assert messages.read_message(inside, message_id)


def test_what_was_never_delivered_expires_with_the_sender(
    household: Household, neighbour: Household, send: Send, sweep: Sweep
) -> None:
    message_id = send(deliver=False)
    with household.enter():
        SentMessage.objects.update(expires_at=Now() - timedelta(seconds=1))
    Due.objects.using("worker").filter(message_id=message_id).update(due_at=Now())
    sweep()
    with household.enter():
        assert SentContent.objects.count() == 0
        assert SentMessage.objects.get().delivered_at is None
    with neighbour.enter():
        assert ReceivedMessage.objects.count() == 0


def test_a_delivery_cut_off_half_way_is_finished_once(
    household: Household, neighbour: Household, send: Send, sweep: Sweep
) -> None:
    message_id = send()
    # As if the worker had died after the inbox and before the outbox: the outbox still waits, the hint is still there.
    with neighbour.enter():
        sealed = ReceivedContent.objects.get().sealed
    with household.enter():
        SentMessage.objects.update(delivered_at=None)
        SentContent.objects.create(message_id=message_id, sealed=sealed)
    Due.objects.create(tenant=household.tenant, kind=Due.Kind.DELIVER, message_id=message_id, due_at=_past())
    sweep()
    with neighbour.enter():
        assert ReceivedMessage.objects.count() == 1
        assert AuditRow.objects.filter(entry__contains='"message.received"').count() == 1
    with household.enter():
        assert SentMessage.objects.get().delivered_at is not None


def _past() -> Combinable:
    return Now() - timedelta(seconds=1)


def test_an_ended_connection_delivers_nothing_more(
    household: Household, neighbour: Household, connected: uuid.UUID, send: Send, sweep: Sweep
) -> None:
    send(deliver=False)
    with neighbour.enter() as inside:
        connections.end(inside, connected)
    sweep()
    with household.enter() as inside:
        assert SentMessage.objects.get().refused
        assert SentContent.objects.count() == 0
        with pytest.raises(Invalid, match="to"):
            messages.send_message(inside, to=neighbour.slug, payload="1", ttl=600)
    with neighbour.enter():
        assert ReceivedMessage.objects.count() == 0


def test_a_suspended_consumer_delays_its_own_messages_alone(
    household: Household, neighbour: Household, send: Send, sweep: Sweep
) -> None:
    message_id = send(deliver=False)
    _suspend(neighbour, TenantState.SUSPENDED)
    sweep()
    with household.enter():
        assert SentContent.objects.count() == 1
    _suspend(neighbour, TenantState.ACTIVE)
    Due.objects.using("worker").filter(message_id=message_id, kind=Due.Kind.DELIVER).update(due_at=Now())
    sweep()
    with neighbour.enter() as inside:
        assert messages.read_message(inside, message_id)


def _suspend(house: Household, state: TenantState) -> None:
    Tenant.objects.using("provisioner").filter(id=house.tenant.id).update(state=state)


def test_the_provider_learns_that_it_was_read(
    household: Household, neighbour: Household, send: Send, sweep: Sweep
) -> None:
    message_id = send()
    with neighbour.enter() as inside:
        messages.read_message(inside, message_id)
    sweep()
    with household.enter() as inside:
        (sent,) = messages.list_sent(inside, PageRequest()).items
        assert (sent.id, sent.read_at is not None) == (message_id, True)


def test_a_hint_without_a_message_is_dropped_late_and_not_early(household: Household, sweep: Sweep) -> None:
    orphan = Due.objects.create(tenant=household.tenant, kind=Due.Kind.DELIVER, message_id=uuid.uuid4(), due_at=_past())
    sweep()
    assert Due.objects.filter(id=orphan.id).exists()
    Due.objects.using("worker").filter(id=orphan.id).update(
        due_at=Now() - timedelta(seconds=1), created_at=Now() - timedelta(minutes=11)
    )
    sweep()
    assert not Due.objects.filter(id=orphan.id).exists()


def test_a_poisoned_message_does_not_stop_the_others(household: Household, neighbour: Household, send: Send) -> None:
    poisoned = send(deliver=False)
    with household.enter() as inside, connections_of_django[inside.alias].cursor() as cursor:
        cursor.execute("UPDATE sent_messages SET expires_at = 'infinity'")  # which Python can't even read
    good = send()
    with neighbour.enter() as inside:
        assert messages.read_message(inside, good)
    assert Due.objects.filter(message_id=poisoned, kind=Due.Kind.DELIVER, attempts__gt=0).exists()


def test_the_registry_says_who_is_connected_and_not_the_senders_own_table(
    household: Household, new_tenant: NewTenant, send: Send, sweep: Sweep
) -> None:
    message_id, stranger = send(deliver=False), new_tenant()
    with household.enter():
        SentMessage.objects.filter(id=message_id).update(peer_id=stranger.tenant.id)
    sweep()
    with stranger.enter():
        assert ReceivedMessage.objects.count() == 0


def test_what_the_sender_wrote_into_its_table_is_bounded_on_arrival(
    household: Household, neighbour: Household, send: Send, sweep: Sweep
) -> None:
    message_id = send(deliver=False)
    with household.enter():
        SentMessage.objects.filter(id=message_id).update(size=2**30, expires_at=Now() + timedelta(days=9999))
    sweep()
    with neighbour.enter():
        received = ReceivedMessage.objects.get()
        assert received.size < 10_000
        assert received.expires_at - received.delivered_at <= timedelta(days=90)  # type: ignore[operator]


def test_a_receipt_is_the_databases_word(household: Household, neighbour: Household, send: Send, sweep: Sweep) -> None:
    message_id = send()
    with neighbour.enter() as inside:
        messages.read_message(inside, message_id)
        ReceivedMessage.objects.update(read_at="2001-01-01T00:00:00Z", reads=999)
    sweep()
    with household.enter():
        sent = SentMessage.objects.get()
        assert sent.reads == 1
        assert sent.read_at is not None
        assert sent.read_at >= sent.created_at
