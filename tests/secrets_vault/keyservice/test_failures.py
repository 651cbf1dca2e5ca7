"""What every remote key service does when it is down, slow, half-failing or not to be trusted."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore, Event
from typing import Final

import pytest

from secrets_vault import KeyService, KeyServiceDenied, KeyServiceUnavailable, VaultError, open_key_service
from secrets_vault.keyservice import attempts, guard, transit
from secrets_vault.keyservice.remote import RemoteKeyService
from secrets_vault.keyservice.transit import TransitKeyService
from secrets_vault.opaque import Secret
from tests.secrets_vault.keyservice.conftest import CONTEXT, PATIENCE, REMOTE, Clock, eager
from tests.secrets_vault.keyservice.leaks import shown, shows
from tests.secrets_vault.keyservice.servers import azure
from tests.secrets_vault.keyservice.servers.certificates import Authority, make_authority
from tests.secrets_vault.keyservice.servers.wire import Answer, Request, WireServer

KEY: Final = b"\xa5planted-key-material-0123456789\x5a"[:32]
LIMIT: Final = 10.0  # seconds: the 3 until a page says 503, and what a slow machine adds


class Stage:
    """A server with TLS and one without, which fail alike, and each service's address as if it were there."""

    def __init__(self, authority: Authority, addresses: dict[str, str]) -> None:
        self.servers = {"https": WireServer(authority.context), "http": WireServer()}
        self._addresses = addresses
        self._services: dict[str, KeyService] = {}

    def fail(self, fault: Callable[[Request], Answer | None]) -> None:
        for server in self.servers.values():
            server.heal()
            server.fault = fault

    def requests(self) -> int:
        return sum(len(server.requests) for server in self.servers.values())

    def service(self, name: str) -> KeyService:
        """The process's one client of that service."""
        if name not in self._services:
            self._services[name] = eager(self.new_service(name))
        return self._services[name]

    def new_service(self, name: str, port: int | None = None) -> KeyService:
        url = self._addresses[name]
        scheme = "https" if "https://" in url else "http"
        start, _, rest = url.partition(f"{scheme}://127.0.0.1:")
        service = open_key_service(
            f"{start}{scheme}://127.0.0.1:{port or self.servers[scheme].port}{rest.lstrip('0123456789')}"
        )
        if isinstance(service, TransitKeyService):
            service._binds_in = os.getpid()  # what fails here is the request itself, not the proof before it
        return service


@pytest.fixture(scope="module")
def servers(authority: Authority, addresses: dict[str, str]) -> Iterator[Stage]:
    stage = Stage(authority, addresses)
    with stage.servers["https"], stage.servers["http"]:
        yield stage


@pytest.fixture
def stage(servers: Stage, surroundings: pytest.MonkeyPatch) -> Iterator[Stage]:
    yield servers
    servers.fail(lambda _: None)


@pytest.fixture
def slow_stage(authority: Authority, addresses: dict[str, str], surroundings: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stage of its own: what nobody waits for any more must not come to another test's."""
    stage = Stage(authority, addresses)
    with stage.servers["https"], stage.servers["http"]:
        yield stage


def failure(work: Callable[[], object]) -> tuple[VaultError, float]:
    started = time.monotonic()
    with pytest.raises(VaultError) as raised:
        work()
    return raised.value, time.monotonic() - started


FAULTS: Final[dict[str, Callable[[Request], Answer | None]]] = {
    "500": lambda _: Answer(500, {}),
    "502 of a proxy": lambda _: Answer(502, {"message": "bad gateway"}),
    "503": lambda _: Answer(503, {"errors": ["sealed"]}),
    "429": lambda _: Answer(429, {"error": {"code": "Throttled"}}),
    "an answer without content": lambda _: Answer(200, {}),
    "an answer of another shape": lambda _: Answer(
        200, {"data": 3, "name": [], "Plaintext": {}, "value": {}, "key": 7}
    ),
    "a redirect": lambda request: Answer(307, {}, (("Location", f"https://127.0.0.1:1{request.path}"),)),
}


@pytest.mark.parametrize("name", REMOTE)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_failing_service_is_unavailable(
    stage: Stage, name: str, fault: Callable[[Request], Answer | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    stage.fail(fault)
    service = stage.service(name)
    error, seconds = failure(lambda: service.wrap(KEY, CONTEXT))
    assert isinstance(error, KeyServiceUnavailable)
    assert seconds < LIMIT
    assert stage.requests()


@pytest.mark.parametrize(
    ("fault", "total"),
    [
        (lambda _: time.sleep(4), attempts.TOTAL_SECONDS),
        (lambda _: Answer(200, {"pad": "x" * 1000}, seconds=0.1), 0.5),  # restarts the client's clock all the time
    ],
    ids=["silent", "a byte now and then"],
)
def test_a_slow_service_is_given_up_in_time(
    slow_stage: Stage,
    fault: Callable[[Request], Answer | None],
    total: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "TOTAL_SECONDS", total)
    slow_stage.fail(fault)
    services = [slow_stage.service(name) for name in REMOTE]
    with ThreadPoolExecutor(len(REMOTE)) as threads:
        failures = list(threads.map(lambda service: failure(lambda: service.wrap(KEY, CONTEXT)), services))
    for error, seconds in failures:
        assert isinstance(error, KeyServiceUnavailable)
        assert 0.9 * total <= seconds < LIMIT


@pytest.mark.parametrize("name", REMOTE)
def test_a_closed_port_is_tried_a_few_times(stage: Stage, name: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and no listen()
        service = stage.new_service(name, closed.getsockname()[1])
        error, seconds = failure(lambda: service.wrap(KEY, CONTEXT))
    assert isinstance(error, KeyServiceUnavailable)
    assert seconds < LIMIT


@pytest.mark.parametrize("name", ["google_service", "azure_service"])
def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    stage: Stage, name: str, surroundings: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    surroundings.setattr(attempts, "ATTEMPTS", 1)
    other = make_authority(tmp_path_factory.mktemp("other"))
    surroundings.setenv("REQUESTS_CA_BUNDLE", str(other.bundle))
    service = stage.new_service(name)
    assert isinstance(failure(lambda: service.wrap(KEY, CONTEXT))[0], KeyServiceUnavailable)
    assert not stage.requests()


@pytest.mark.parametrize("name", REMOTE)
def test_a_redirect_carries_nothing_elsewhere(
    stage: Stage, name: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    with WireServer(authority.context) as elsewhere:
        stage.fail(lambda request: Answer(307, {}, (("Location", f"{elsewhere.origin}{request.path}"),)))
        service = stage.service(name)
        assert isinstance(failure(lambda: service.wrap(KEY, CONTEXT))[0], KeyServiceUnavailable)
        assert not elsewhere.requests


def test_attempts_are_few_and_a_refusal_is_final(stage: Stage) -> None:
    service = stage.service("transit_service")
    stage.fail(lambda _: Answer(503, {}))
    assert isinstance(failure(lambda: service.wrap(KEY, CONTEXT))[0], KeyServiceUnavailable)
    assert stage.requests() == attempts.ATTEMPTS
    stage.fail(lambda _: Answer(403, {}))
    assert isinstance(failure(lambda: service.wrap(KEY, CONTEXT))[0], KeyServiceDenied)
    assert stage.requests() == 1


def test_what_fails_in_passing_is_repeated(stage: Stage) -> None:
    answers = iter([Answer(503, {}), Answer(429, {}), Answer(200, {"data": {"ciphertext": "vault:v1:AAAA"}})])
    stage.fail(lambda _: next(answers))
    assert stage.service("transit_service").wrap(KEY, CONTEXT).endswith(b"\0\0\0\1\0\0\0")


def test_a_service_that_is_back_is_used_without_a_restart(stage: Stage, clock: Clock) -> None:
    service = stage.new_service("transit_service")
    stage.fail(lambda _: Answer(503, {}))
    assert isinstance(failure(lambda: service.wrap(KEY, CONTEXT))[0], KeyServiceUnavailable)
    stage.fail(lambda _: Answer(200, {"data": {"ciphertext": "vault:v1:AAAA"}}))
    assert isinstance(failure(lambda: service.wrap(KEY, CONTEXT))[0], KeyServiceUnavailable)
    assert not stage.requests(), "it is left alone for a while"
    clock.go_on(guard.OPEN_SECONDS)
    assert service.wrap(KEY, CONTEXT)


def test_too_many_unanswered_requests_are_refused_at_once(monkeypatch: pytest.MonkeyPatch, slow_stage: Stage) -> None:
    over = Event()
    monkeypatch.setattr(attempts, "TOTAL_SECONDS", 0.2)
    monkeypatch.setattr(attempts, "_slots", BoundedSemaphore(2))
    monkeypatch.setattr(transit, "READ_SECONDS", PATIENCE)  # the client gives up no earlier than this test ends

    def hang(_: Request) -> None:
        over.wait(PATIENCE)

    slow_stage.fail(hang)
    service = slow_stage.service("transit_service")
    messages = [str(failure(lambda: service.wrap(KEY, CONTEXT))[0]) for _ in range(3)]
    over.set()
    assert [("unanswered" in message) for message in messages] == [False, False, True]


@pytest.mark.parametrize("name", REMOTE)
@pytest.mark.parametrize("status", [403, 500])
def test_a_failure_shows_no_key(stage: Stage, name: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    monkeypatch.setattr("secrets_vault.keyservice.remote.os.urandom", lambda size: KEY[:size])
    stage.fail(lambda request: Answer(status, {"errors": [str(request.body)], "message": str(request.body)}))
    service = stage.service(name)
    for work in (lambda: service.generate(CONTEXT), lambda: service.wrap(KEY, CONTEXT)):
        error, _ = failure(work)
        text = shown(error)
        assert "in ask" in text
        assert error.__context__ is None
        assert error.__cause__ is None
        assert not shows(text, KEY)


@pytest.mark.parametrize("name", REMOTE)
def test_logs_show_no_key_however_detailed(
    name: str,
    surroundings: pytest.MonkeyPatch,
    addresses: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    service = open_key_service(addresses[name])
    with caplog.at_level(logging.DEBUG):
        assert service.unwrap(service.wrap(KEY, CONTEXT), CONTEXT) == KEY
    assert not shows(caplog.text, KEY)


def test_a_forked_process_makes_a_client_of_its_own(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    service = stage.service("transit_service")
    assert isinstance(service, RemoteKeyService)
    own = service._own_client()
    assert service._own_client() is own
    monkeypatch.setattr("secrets_vault.keyservice.remote.os.getpid", os.getppid)
    assert service._own_client() is not own


def test_an_answer_that_confuses_the_adapter_is_no_answer() -> None:
    def confuse(error: Exception) -> VaultError:
        raise LookupError(str(error))

    def work() -> Secret:
        raise OSError(KEY)

    error, _ = failure(lambda: attempts.ask(work, confuse))
    assert isinstance(error, KeyServiceUnavailable)
    assert "makes no sense" in str(error), "not that there was none in time"


def test_the_vault_is_not_told_more_than_it_needs(azure_service: KeyService, azure_server: azure.AzureServer) -> None:
    azure_service.unwrap(azure_service.wrap(KEY, CONTEXT), CONTEXT)
    assert not shows(str(azure_server.requests), KEY)
