"""A provider and a consumer, connected, with messages between them; and a day that is long enough."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tenants.actions import connections, messages
from tests.conftest import Household


@pytest.fixture
def one_day() -> None:
    """Let what counts days (UTC) begin and end in the same one: within a minute of midnight it waits for the next."""
    now = datetime.now(UTC)
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if (left := tomorrow - now) < timedelta(minutes=1):
        time.sleep(left.total_seconds() + 0.1)


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
