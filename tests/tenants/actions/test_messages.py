"""Messages: sealed as they are sent, opened by the consumer alone, as often as allowed and no longer."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from django.conf import settings

from secrets_vault import BadCiphertext
from tenants.actions import messages
from tenants.errors import Gone, Invalid, NotFound, Refused
from tenants.pagination import PageRequest
from tenants.records.models import ReceivedContent, SentMessage
from tenants.roles import Role
from tests.conftest import Household, NewPerson, at_once
from tests.tenants.conftest import Send

pytestmark = pytest.mark.usefixtures("no_worker")


def test_a_message_is_read_as_it_was_sent(neighbour: Household, send: Send) -> None:
    text = '{"key": "välue", "list": [1, 2.5, null], "same": 1}'
    message_id = send(text)
    with neighbour.enter() as inside:
        assert [row.id for row in messages.list_inbox(inside, PageRequest()).items] == [message_id]
        assert messages.read_message(inside, message_id).text == text
        assert messages.read_message(inside, message_id).text == text


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
