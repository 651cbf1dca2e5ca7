from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import count
from typing import Final

import pytest
from django.test import Client, override_settings

from portal.logs import JsonLines

_numbers: Final = count()


@pytest.fixture
def address() -> str:
    """An address of the test's own, and all that begin with the same three numbers: no test spends another's rate.

    Counted, not drawn: of so few, two tests would have the same one every now and then.
    """
    more, third = divmod(next(_numbers), 256)
    return f"198.51.{third}.{more}"


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    """Requests through every middleware, to the portal's doors and to some that fail (doors.py)."""
    with override_settings(ROOT_URLCONF="tests.portal.edge.doors"):
        yield Client(raise_request_exception=False, REMOTE_ADDR=address)


class Lines(logging.Handler):
    """Log lines as they would be written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, root = Lines(), logging.getLogger()
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
