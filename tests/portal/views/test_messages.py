"""The pages of messages: a GET shows an envelope, a POST opens it, and what is gone is gone."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from tenants.actions import connections, messages
from tenants.records.models import ReceivedMessage
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.views.conftest import NewVisitor, Visitor, text

CONTENT = '{"note": "canary-content-31", "list": [1, "ü"]}'
Sweep = Callable[[], int]


@pytest.fixture
def other(household: Household, neighbour: Household, visit: NewVisitor) -> Visitor:
    """The owner of the neighbour, which receives from the household."""
    with household.enter() as inside:
        connection = connections.propose(inside, other_slug=neighbour.slug, direction="send")
    with neighbour.enter() as inside:
        connections.accept(inside, connection.id)
    return visit(neighbour)


@pytest.fixture
def arrived(household: Household, neighbour: Household, other: Visitor, sweep: Sweep) -> Callable[..., uuid.UUID]:
    """Send a message that arrives; return its id."""

    def arrived(ttl: int = 600, reads: int | None = None, payload: str = CONTENT) -> uuid.UUID:
        with household.enter() as inside:
            sent = messages.send_message(inside, to=neighbour.slug, payload=payload, ttl=ttl, reads=reads)
        sweep()
        return sent.id

    return arrived


def test_a_message_is_sent(owner: Visitor, other: Visitor, neighbour: Household, sweep: Sweep) -> None:
    answer = owner.post("messages/new/", to=neighbour.slug, ttl="86400", reads="", payload=CONTENT)
    page = owner.after(answer)
    assert f"Sealed to {neighbour.slug} and on its way." in page
    assert "canary" not in page
    sweep()
    assert "delivered" in text(other.get("messages/"))


def test_as_much_as_may_be_sent_is_taken_from_a_browser(owner: Visitor, other: Visitor, neighbour: Household) -> None:
    payload = f'"{"ü" * 255_000}"'  # as a form's own encoding has it, three times as long
    form = {"to": neighbour.slug, "ttl": "86400", "reads": "", "payload": payload}
    assert "on its way" in owner.after(owner.fill_in("messages/new/", **form))


def test_looking_at_the_envelope_opens_nothing(
    neighbour: Household, other: Visitor, arrived: Callable[..., uuid.UUID]
) -> None:
    message = arrived(reads=1)
    for _ in range(3):
        page = other.get(f"messages/{message}/")
        assert page.status_code == 200
        assert "canary-content-31" not in page.content.decode()
    assert other.get(f"messages/{message}/read/").status_code == 405
    with neighbour.enter():
        assert ReceivedMessage.objects.get(id=message).reads == 0


def test_reading_shows_the_content(other: Visitor, arrived: Callable[..., uuid.UUID]) -> None:
    page = other.post(f"messages/{arrived()}/read/")
    assert '"note": "canary-content-31"' in text(page)
    assert "ü" in text(page)
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        pytest.param('{"a":"\\ud800"}', '{\n  "a": "\\ud800"\n}', id="half-a-surrogate-pair"),
        pytest.param("[1.10,1e999,9007199254740993.0]", "[\n  1.10,\n  1e999,\n  9007199254740993.0\n]", id="numbers"),
        pytest.param('{"a":1,"a":2}', '{\n  "a": 1,\n  "a": 2\n}', id="a-name-twice"),
        pytest.param('[{ },[ ],""]', '[\n  {},\n  [],\n  ""\n]', id="nothing-inside"),
        pytest.param(r'"\u00fc \" [1,2]: {\n}"', r'"ü \" [1,2]: {\n}"', id="a-string"),
    ],
)
def test_content_is_shown_as_it_was_sent(
    other: Visitor, arrived: Callable[..., uuid.UUID], payload: str, shown: str
) -> None:
    page = other.post(f"messages/{arrived(reads=1, payload=payload)}/read/")
    assert f"<code>{html.escape(shown)}</code>" in page.content.decode()


def test_one_reading_is_one_reading(other: Visitor, arrived: Callable[..., uuid.UUID]) -> None:
    message = arrived(reads=1)
    assert other.post(f"messages/{message}/read/").status_code == 200
    for answer in (other.post(f"messages/{message}/read/"), other.get(f"messages/{message}/")):
        assert answer.status_code == 410
        assert "canary" not in answer.content.decode()
        assert "This message is gone" in text(answer)


def ends_in(neighbour: Household, seconds: int) -> None:
    """Let what has arrived expire by then. How long sending and delivering took is nothing to go by."""
    with neighbour.enter():
        ReceivedMessage.objects.update(expires_at=Now() + timedelta(seconds=seconds))


def test_an_expired_message_is_gone(neighbour: Household, other: Visitor, arrived: Callable[..., uuid.UUID]) -> None:
    message = arrived()
    ends_in(neighbour, 0)
    assert other.get(f"messages/{message}/").status_code == 410
    assert other.post(f"messages/{message}/read/").status_code == 410
    inbox = text(other.get("messages/"))
    assert "expired unread" in inbox


def test_a_message_vanishes_while_it_is_looked_at(
    neighbour: Household, other: Visitor, arrived: Callable[..., uuid.UUID]
) -> None:
    message = arrived()
    ends_in(neighbour, 60)
    shown = other.post(f"messages/{message}/read/").content.decode()
    delay = re.search(r'hx-trigger="load delay:(\d+)s"', shown)
    assert delay is not None
    assert 30 < int(delay[1]) <= 61
    assert 'hx-status:410="swap:outerHTML"' in shown
    ends_in(neighbour, 0)
    instead = other.client.get(other.at(f"messages/{message}/"), headers={"HX-Request": "true"})
    assert instead.status_code == 410
    assert "Its time is over" in text(instead)
    assert "<html" not in instead.content.decode()


def test_no_page_waits_for_longer_than_a_day(other: Visitor, arrived: Callable[..., uuid.UUID]) -> None:
    assert "hx-trigger" not in other.get(f"messages/{arrived(ttl=86500)}/").content.decode()


def test_bad_json_is_pointed_at_and_given_back(owner: Visitor, other: Visitor, neighbour: Household) -> None:
    answer = owner.post("messages/new/", to=neighbour.slug, ttl="86400", payload='{"a": 1,\n}')
    assert answer.status_code == 422
    assert "This is not JSON (line 2" in text(answer)
    assert "{&quot;a&quot;: 1,\n}</textarea>" in answer.content.decode()


@pytest.mark.parametrize(
    ("field", "value"), [("to", "somebody-else"), ("ttl", "5"), ("ttl", "x"), ("reads", "0"), ("reads", "many")]
)
def test_a_wrong_field_is_named(owner: Visitor, other: Visitor, neighbour: Household, field: str, value: str) -> None:
    form = {"to": neighbour.slug, "ttl": "86400", "reads": "", "payload": "{}", field: value}
    answer = owner.post("messages/new/", **form)
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()


def test_the_sender_is_warned(owner: Visitor, other: Visitor) -> None:
    assert "Put in only what the receiver needs" in text(owner.get("messages/new/"))


def test_without_a_connection_there_is_nobody_to_write_to(owner: Visitor) -> None:
    page = owner.get("messages/new/")
    assert "No tenant has agreed to receive messages yet" in text(page)
    assert "<textarea" not in page.content.decode()


def test_an_auditor_sees_envelopes_and_opens_none(
    neighbour: Household, arrived: Callable[..., uuid.UUID], new_person: NewPerson, visit: NewVisitor
) -> None:
    auditor = visit(neighbour, neighbour.join(new_person(), Role.AUDITOR))
    message = arrived()
    assert "Read the message" not in text(auditor.get(f"messages/{message}/"))
    assert auditor.post(f"messages/{message}/read/").status_code == 403
