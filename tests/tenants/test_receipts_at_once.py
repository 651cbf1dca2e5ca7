"""A reader and a worker at the same moment: that a message was read is told, whatever hint stood there before."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from tenants.actions import messages
from tenants.delivery import _attempt
from tenants.pagination import PageRequest
from tenants.registry.due import claim
from tenants.registry.models import Due
from tests.conftest import NEAR, Household, acting_as, at_once
from tests.tenants.conftest import Send, Sweep

pytestmark = pytest.mark.usefixtures("no_worker")

WAITING: Final = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = %s"


@pytest.fixture
def abandoned(neighbour: Household, send: Send) -> Due:
    """A message, and the hint of a reading that never came to its end; a worker has just claimed it."""
    message_id, long_ago = send(), datetime.now(UTC) - timedelta(hours=1)
    hint = {"tenant": neighbour.tenant, "kind": Due.Kind.RECEIPT, "message_id": message_id}
    Due.objects.create(**hint, due_at=long_ago, created_at=long_ago)
    with acting_as("worker"):
        [due] = [due for due in claim(1000) if due.message_id == message_id]
    return due


def test_a_hint_that_a_reader_relies_on_is_not_dropped(
    household: Household,
    neighbour: Household,
    abandoned: Due,
    sweep: Sweep,
    administrator: psycopg.Connection,
) -> None:
    """The worker has found the message unread, and is held up before it drops the hint: then somebody reads it."""

    def look() -> None:
        with acting_as("worker"):
            _attempt(abandoned, set())

    def read() -> None:
        with neighbour.enter() as inside, suppress(OperationalError):  # on a slow machine it waits in vain
            messages.read_message(inside, abandoned.message_id)

    with ThreadPoolExecutor(2) as threads:

        def begin(work: Callable[[], None], role: str) -> Future[list[None]]:
            begun, latest = threads.submit(at_once, work, times=1), time.monotonic() + NEAR
            while not begun.done() and not administrator.execute(WAITING, [role]).fetchall():
                assert time.monotonic() < latest
                time.sleep(0.01)
                administrator.execute("SELECT pg_stat_clear_snapshot()")
            return begun

        with administrator.transaction():
            administrator.execute("SELECT FROM registry.due WHERE id = %s FOR UPDATE", [abandoned.id])
            begun = [begin(look, "bulkhead_worker"), begin(read, neighbour.tenant.schema)]
        for each in begun:
            each.result(NEAR)
    read()
    Due.objects.using("worker").filter(message_id=abandoned.message_id).update(due_at=Now())
    sweep()
    assert read_at(household, abandoned.message_id) is not None


def read_at(house: Household, message_id: uuid.UUID) -> datetime | None:
    with house.enter() as inside:
        (sent,) = messages.list_sent(inside, PageRequest()).items
    assert sent.id == message_id
    return sent.read_at
