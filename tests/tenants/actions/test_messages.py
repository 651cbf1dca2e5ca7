"""Messages: sealed on the way, opened by the consumer alone, gone by the database's clock, delivered exactly once."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections as connections_of_django
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from secrets_vault import BadCiphertext
from tenants.actions import connections, messages
from tenants.errors import Gone, Invalid, NotFound, Refused
from tenants.pagination import PageRequest
from tenants.records.models import AuditRow, ReceivedContent, ReceivedMessage, SentContent, SentMessage
from tenants.registry.models import Due, Tenant, TenantState
from tenants.roles import Role
from tests.conftest import Household, NewPerson, NewTenant, at_once

pytestmark = pytest.mark.usefixtures("no_worker")


@pytest.fixture
def connected(household: Household, neighbour: Household) -> uuid.UUID:
    """The household provides, the neighbour consumes."""
    with household.enter() as inside:
        connection = connections.propose(inside, other_slug=neighbour.slug, direction="send")
    with neighbour.enter() as inside:
        connections.accept(inside, connection.id)
    return connection.id


Send = Callable[..., uuid.UUID]
Sweep = Callable[[], int]


@pytest.fixture
def send(household: Household, neighbour: Household, connected: uuid.UUID, sweep: Sweep) -> Send:
    """Send a message from the household to the neighbour; `deliver=True` lets a sweep move it."""

    def send(
        payload: str = '{"hello": "world"}', *, ttl: int = 600, reads: int | None = None, deliver: bool = True
    ) -> uuid.UUID:
        with household.enter() as inside:
            message = messages.send_message(inside, to=neighbour.slug, payload=payload, ttl=ttl, reads=reads)
        if deliver:
            sweep()
        return message.id

    return send


def test_a_message_is_read_as_it_was_sent(neighbour: Household, send: Send) -> None:
    text = '{"key": "välue", "list": [1, 2.5, null], "same": 1}'
    message_id = send(text)
    with neighbour.enter() as inside:
        assert [row.id for row in messages.list_inbox(inside, PageRequest()).items] == [message_id]
        assert messages.read_message(inside, message_id).text == text
        assert messages.read_message(inside, message_id).text == text


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


def test_the_provider_can_not_open_what_it_sent(household: Household, send: Send) -> None:
    message_id = send(deliver=False)
    with household.enter() as inside, pytest.raises(NotFound):
        messages.read_message(inside, message_id)


def test_sealed_bytes_moved_to_another_message_do_not_open(neighbour: Household, send: Send) -> None:
    first, second = send('"first"'), send('"second"')
    with neighbour.enter() as inside:
        stolen = ReceivedContent.objects.get(message_id=first).sealed
        ReceivedContent.objects.filter(message_id=second).update(sealed=stolen)
        with pytest.raises(BadCiphertext):
            messages.read_message(inside, second)


def test_looking_at_the_envelope_opens_nothing(neighbour: Household, send: Send) -> None:
    message_id = send(reads=1)
    with neighbour.enter() as inside:
        for _ in range(3):
            assert messages.get_envelope(inside, message_id).reads == 0
        messages.read_message(inside, message_id)


@pytest.mark.parametrize("reads", [1, 3])
def test_readings_are_counted_and_then_the_content_goes(neighbour: Household, send: Send, reads: int) -> None:
    message_id = send(reads=reads)
    with neighbour.enter() as inside:
        for _ in range(reads):
            messages.read_message(inside, message_id)
        for attempt in (messages.read_message, messages.get_envelope):
            with pytest.raises(Gone):
                attempt(inside, message_id)
        assert ReceivedContent.objects.count() == 0


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


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ("", "1 byte"),
        ("{", "not JSON (line 1"),
        ("NaN", "not JSON"),
        ("[1,]", "not JSON"),
        ("'a'", "not JSON"),
        ('"\\ud800', "not JSON"),
        ('{"a": "\ud800"}', "surrogates"),
        ("[" * 33 + "]" * 33, "32 levels"),
        ("[" * 200_000, "32 levels"),
        ('"' + '\\"' * 200_000, "not JSON"),  # a scan that tries each quote anew takes a quarter of an hour
        ("[" + "1," * 10_000 + "1]", "10,000 values"),
        ('"' + "a" * (512 * 1024) + '"', "512 KiB"),
    ],
)
def test_bad_payloads_are_refused(household: Household, neighbour: Household, payload: str, says: str) -> None:
    with household.enter() as inside:
        with pytest.raises(Invalid, match="payload") as refusal:
            messages.send_message(inside, to=neighbour.slug, payload=payload, ttl=600)
        assert says in refusal.value.fields["payload"]
        assert SentMessage.objects.count() == 0


@pytest.mark.parametrize("payload", ["0", "null", '"a [ bracket {"', "[" * 32 + "]" * 32, '"\\"["'])
def test_any_json_goes(neighbour: Household, send: Send, payload: str) -> None:
    message_id = send(payload)
    with neighbour.enter() as inside:
        assert messages.read_message(inside, message_id).text == payload


@pytest.mark.parametrize(
    ("ttl", "reads", "field"),
    [(0, None, "ttl"), (-5, None, "ttl"), (90 * 86400 + 1, None, "ttl"), (600, 0, "reads"), (600, 1001, "reads")],
)
def test_limits_are_named(
    household: Household, neighbour: Household, connected: uuid.UUID, ttl: int, reads: int | None, field: str
) -> None:
    with household.enter() as inside, pytest.raises(Invalid, match=field):
        messages.send_message(inside, to=neighbour.slug, payload="1", ttl=ttl, reads=reads)
    assert settings.MESSAGE_TTL_MIN_SECONDS == 1


def test_the_consumer_can_not_send_back(household: Household, neighbour: Household, connected: uuid.UUID) -> None:
    with neighbour.enter() as inside, pytest.raises(Invalid, match="to"):
        messages.send_message(inside, to=household.slug, payload="1", ttl=600)


def test_an_auditor_sees_envelopes_and_opens_nothing(neighbour: Household, send: Send, new_person: NewPerson) -> None:
    message_id = send()
    auditor = neighbour.join(new_person("auditor"), Role.AUDITOR)
    with neighbour.enter(auditor) as inside:
        assert messages.get_envelope(inside, message_id).size > 0
        with pytest.raises(Refused):
            messages.read_message(inside, message_id)


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


def test_expired_content_goes_while_its_tenant_is_suspended(neighbour: Household, send: Send, sweep: Sweep) -> None:
    message_id = send()
    with neighbour.enter():
        ReceivedMessage.objects.update(expires_at=Now() - timedelta(seconds=1))
    Due.objects.using("worker").filter(message_id=message_id).update(due_at=Now())
    _suspend(neighbour, TenantState.SUSPENDED)
    sweep()
    _suspend(neighbour, TenantState.ACTIVE)
    with neighbour.enter():
        assert ReceivedContent.objects.count() == 0


def test_one_reading_is_one_reading_however_many_try_at_once(
    neighbour: Household, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id, opening = send(reads=1), messages._open

    def slowly(*message: Any) -> str:
        time.sleep(0.3)  # long enough for all the others to come to the same place, were they let
        return opening(*message)

    monkeypatch.setattr(messages, "_open", slowly)

    def read() -> bool:
        try:
            with neighbour.enter() as inside:
                messages.read_message(inside, message_id)
        except Gone:
            return False
        return True

    assert sorted(at_once(read, times=6)) == [False] * 5 + [True]


def test_no_secret_leaves_inside_a_transaction_that_may_be_rolled_back(neighbour: Household, send: Send) -> None:
    message_id = send()
    with neighbour.enter() as inside, inside.transaction(), pytest.raises(RuntimeError, match="durable"):
        messages.read_message(inside, message_id)
