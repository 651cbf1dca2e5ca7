"""Whether a key service answers, told to whoever must not wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from secrets_vault import KeyService, open_key_service
from secrets_vault.keyservice import attempts, guard, pulse, transit
from tests.secrets_vault.keyservice.conftest import PATIENCE, Clock
from tests.secrets_vault.keyservice.servers.transit import TOKEN, TransitServer
from tests.secrets_vault.keyservice.servers.wire import Answer, Request


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[TransitServer]:
    monkeypatch.setattr(attempts, "TOTAL_SECONDS", PATIENCE)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    with TransitServer() as server:
        yield server


def felt(service: KeyService, clock: Clock) -> bool:
    """Let what is known be old news, and ask until what was asked in the background is known."""
    clock.go_on(max(guard.OPEN_SECONDS, pulse.OLD_SECONDS) + 1)
    service.answers()
    for thread in [thread for thread in threading.enumerate() if thread.name == "key service pulse"]:
        thread.join(PATIENCE)
    return service.answers()


def test_what_is_known_is_not_asked_again(server: TransitServer, clock: Clock) -> None:
    free = threading.Event()

    def late(_: Request) -> None:
        free.wait(PATIENCE)

    server.fault = late
    service = open_key_service(server.address)
    assert not service.answers(), "nobody has asked it yet"
    free.set()
    assert felt(service, clock)
    asked = len(server.requests)
    clock.go_on(pulse.OLD_SECONDS - 1)
    assert service.answers()
    assert not [thread for thread in threading.enumerate() if thread.name == "key service pulse"]
    assert len(server.requests) == asked


@pytest.mark.parametrize("status", [403, 503])
def test_what_goes_wrong_shows_and_so_does_its_end(server: TransitServer, clock: Clock, status: int) -> None:
    service = open_key_service(server.address)
    assert felt(service, clock)
    server.fault = lambda _: Answer(status, {})
    assert not felt(service, clock)
    server.heal()
    assert felt(service, clock), "without anybody's asking for a key"


def test_nobody_waits_for_a_service_that_hangs(
    server: TransitServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transit, "READ_SECONDS", PATIENCE)
    free = threading.Event()

    def hang(_: Request) -> None:
        free.wait(PATIENCE)

    server.fault = hang
    service = open_key_service(server.address)
    began = time.monotonic()
    assert not any(service.answers() for _ in range(100))
    assert time.monotonic() - began < PATIENCE / 3, "it hangs for longer than that"
    free.set()
    assert felt(service, clock)
