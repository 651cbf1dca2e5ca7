"""Whether a key service answers, told to whoever must not wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from secrets_vault import KeyService, open_key_service
from secrets_vault.keyservice import guard, pulse
from tests.secrets_vault.keyservice.servers.transit import TOKEN, TransitServer
from tests.secrets_vault.keyservice.servers.wire import Answer, Request

SOON = 0.2


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[TransitServer]:
    monkeypatch.setattr(guard, "OPEN_SECONDS", SOON)
    monkeypatch.setattr(pulse, "OLD_SECONDS", SOON)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    with TransitServer() as server:
        yield server


def felt(service: KeyService) -> bool:
    """Ask until what was asked in the background is known."""
    time.sleep(SOON + 0.05)
    service.answers()
    for thread in [thread for thread in threading.enumerate() if thread.name == "key service pulse"]:
        thread.join(3)
    return service.answers()


def test_what_is_known_is_not_asked_again(server: TransitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()

    def late(_: Request) -> None:
        free.wait(5)

    server.fault = late
    service = open_key_service(server.address)
    assert not service.answers(), "nobody has asked it yet"
    free.set()
    assert felt(service)
    monkeypatch.setattr(pulse, "OLD_SECONDS", 60.0)
    asked = len(server.requests)
    assert service.answers()
    assert len(server.requests) == asked


@pytest.mark.parametrize("status", [403, 503])
def test_what_goes_wrong_shows_and_so_does_its_end(server: TransitServer, status: int) -> None:
    service = open_key_service(server.address)
    assert felt(service)
    server.fault = lambda _: Answer(status, {})
    assert not felt(service)
    server.heal()
    assert felt(service), "without anybody's asking for a key"


def test_nobody_waits_for_a_service_that_hangs(server: TransitServer) -> None:
    server.fault = lambda _: time.sleep(1)  # and then answers
    service = open_key_service(server.address)
    began = time.monotonic()
    assert not any(service.answers() for _ in range(100))
    assert time.monotonic() - began < 0.8
