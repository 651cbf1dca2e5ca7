"""Connections and messages, as the API's callers at both ends see them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db.models.functions import Now

from tenants.records.models import ReceivedMessage
from tests.conftest import Household, NewTenant
from tests.portal.api.conftest import Caller, NewCaller
from tests.portal.api.test_access import refused


@pytest.fixture
def ends(household: Household, neighbour: Household, new_caller: NewCaller) -> tuple[Caller, Caller]:
    """A provider and a consumer that agreed to exchange messages."""
    provider, consumer = new_caller(household), new_caller(neighbour)
    proposed = provider.post("connections", {"other_slug": consumer.slug, "direction": "send"})
    assert proposed.status_code == 201, proposed.content
    accepted = consumer.post(f"connections/{proposed.json()['id']}/accept")
    assert accepted.json()["state"] == "active", accepted.content
    return provider, consumer


def send(provider: Caller, consumer: Caller, **changes: Any) -> Any:
    body = {"to": consumer.slug, "payload": '{"a": 1.10}', "ttl": 3600, **changes}
    return provider.post("messages", {name: value for name, value in body.items() if value is not ...})


def found(consumer: Caller, message_id: str) -> dict[str, Any]:
    listed: list[dict[str, Any]] = consumer.get("messages/inbox").json()["items"]
    return next(item for item in listed if item["id"] == message_id)


def test_connections(ends: tuple[Caller, Caller]) -> None:
    provider, consumer = ends
    [seen] = provider.get("connections").json()["items"]
    assert (seen["provider"], seen["consumer"], seen["state"]) == (provider.slug, consumer.slug, "active")
    assert consumer.get("connections").json()["items"] == [seen]


def test_either_ends_a_connection_once(ends: tuple[Caller, Caller]) -> None:
    provider, consumer = ends
    [seen] = provider.get("connections").json()["items"]
    ended = consumer.post(f"connections/{seen['id']}/end")
    assert ended.json() == {**seen, "state": "ended"}
    refused(provider.post(f"connections/{seen['id']}/end"), 422)
    assert set(refused(send(provider, consumer), 422)["fields"]) == {"to"}
    refused(provider.post(f"connections/{uuid.uuid4()}/end"), 404)


def test_strangers_end_nothing(ends: tuple[Caller, Caller], new_tenant: NewTenant, new_caller: NewCaller) -> None:
    [seen] = ends[0].get("connections").json()["items"]
    stranger = new_caller(new_tenant())
    refused(stranger.post(f"connections/{seen['id']}/end"), 404)
    assert ends[0].get("connections").json()["items"] == [seen]


def test_one_does_not_accept_ones_own_proposal(neighbour: Household, caller: Caller) -> None:
    proposed = caller.post("connections", {"other_slug": neighbour.slug, "direction": "receive"}).json()
    refused(caller.post(f"connections/{proposed['id']}/accept"), 422)
    refused(caller.post(f"connections/{uuid.uuid4()}/accept"), 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"other_slug": "nobody-at-all", "direction": "send"}, "other_slug"),
        ({"other_slug": "No Slug", "direction": "send"}, "other_slug"),
        ({"other_slug": "somebody", "direction": "both"}, "direction"),
        ({"direction": "send"}, "other_slug"),
    ],
)
def test_a_proposal_that_can_not_be(body: dict[str, str], field: str, caller: Caller) -> None:
    assert set(refused(caller.post("connections", body), 422)["fields"]) == {field}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"payload": "{"}, "payload"),
        ({"payload": "NaN"}, "payload"),
        ({"payload": "[" * 40 + "]" * 40}, "payload"),
        ({"payload": {"a": 1}}, "payload"),
        ({"payload": ...}, "payload"),
        ({"ttl": 0}, "ttl"),
        ({"ttl": 90 * 86400 + 1}, "ttl"),
        ({"ttl": "1h"}, "ttl"),
        ({"ttl": 10**30}, "ttl"),
        ({"reads": 0}, "reads"),
        ({"to": "nobody-at-all"}, "to"),
        ({"urgent": True}, "urgent"),
    ],
)
def test_a_message_that_can_not_be(changes: dict[str, Any], field: str, ends: tuple[Caller, Caller]) -> None:
    provider, consumer = ends
    assert set(refused(send(provider, consumer, **changes), 422)["fields"]) == {field}
    assert provider.get("messages/sent").json()["items"] == []


def test_a_payload_over_the_limit(ends: tuple[Caller, Caller]) -> None:
    provider, consumer = ends
    refused(send(provider, consumer, payload=json.dumps("x" * 600_000)), 422)
    refused(send(provider, consumer, payload=json.dumps("x" * 1_100_000)), 413)


def test_a_message_arrives_as_it_was_written_and_is_read_once(
    ends: tuple[Caller, Caller], sweep: Callable[[], int]
) -> None:
    provider, consumer = ends
    text = '{ "big": 12345678901234567890.10, "text": "\\u00fc ✓" }\n'
    sent = send(provider, consumer, payload=text, reads=1)
    assert sent.status_code == 201, sent.content
    message_id = sent.json()["id"]
    sweep()
    envelope = found(consumer, message_id)
    assert envelope["state"] == "delivered"
    assert envelope["other"] == provider.slug

    # Looking at it burns nothing.
    assert consumer.get(f"messages/{message_id}").json() == envelope
    assert consumer.get(f"messages/{message_id}").status_code == 200
    refused(consumer.get(f"messages/{message_id}/read"), 405)

    opened = consumer.post(f"messages/{message_id}/read")
    assert opened.json() == {"payload": text}
    refused(consumer.post(f"messages/{message_id}/read"), 410)
    refused(consumer.get(f"messages/{message_id}"), 410)
    assert consumer.get("messages/inbox").json()["items"][0]["state"] == "used"


def test_an_expired_message_is_gone_at_once(
    ends: tuple[Caller, Caller], neighbour: Household, sweep: Callable[[], int]
) -> None:
    provider, consumer = ends
    sent = send(provider, consumer, ttl=3600).json()
    message_id = sent["id"]
    sweep()
    assert found(consumer, message_id)["expires_at"] == sent["expires_at"]
    with neighbour.enter():
        ReceivedMessage.objects.update(expires_at=Now())
    refused(consumer.post(f"messages/{message_id}/read"), 410)


def test_the_sender_can_not_read_it(ends: tuple[Caller, Caller], sweep: Callable[[], int]) -> None:
    provider, consumer = ends
    message_id = send(provider, consumer).json()["id"]
    sweep()
    found(consumer, message_id)
    refused(provider.post(f"messages/{message_id}/read"), 404)
    [receipt] = provider.get("messages/sent").json()["items"]
    assert receipt["other"] == consumer.slug
    assert "payload" not in receipt


def test_a_message_that_is_not_there(caller: Caller) -> None:
    refused(caller.get(f"messages/{uuid.uuid4()}"), 404)
    refused(caller.post(f"messages/{uuid.uuid4()}/read"), 404)
    refused(caller.get("messages/1"), 404)
