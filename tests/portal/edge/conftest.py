from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator

import pytest
from django.test import Client, override_settings

from portal.logs import JsonLines


@pytest.fixture
def address() -> str:
    """An address of the test's own, so that no test spends another's rate."""
    return f"198.51.{secrets.randbelow(256)}.{secrets.randbelow(256)}"


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
