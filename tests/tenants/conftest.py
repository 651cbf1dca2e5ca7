"""A provider and a consumer, connected, with messages between them."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from tenants.actions import connections, messages
from tests.conftest import Household


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
