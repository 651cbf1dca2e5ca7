"""Who waits for a key service that is away, how long, and when it is asked again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from secrets_vault import (
    BadCiphertext,
    Keyring,
    KeyServiceDenied,
    KeyServiceUnavailable,
    VaultError,
    open_key_service,
)
from secrets_vault.keyservice import attempts, deadline, guard
from secrets_vault.keyservice.deadline import within
from secrets_vault.keyservice.guard import Guard
from tests.secrets_vault.keyservice.conftest import PATIENCE, Clock
from tests.secrets_vault.keyservice.servers.transit import TOKEN, TransitServer


class Service:
    """What a client does when it is called: it answers, fails, or hangs until it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.failure: Exception | None = None
        self.hangs = threading.Event()
        self.hangs.set()

    def __call__(self) -> str:
        self.calls += 1
        self.hangs.wait(PATIENCE)
        if self.failure is not None:
            raise self.failure
        return "answer"


def until_asked(service: Service, times: int) -> None:
    while service.calls < times:
        time.sleep(0.01)


def explain(error: Exception) -> VaultError:
    return KeyServiceUnavailable(str(error))


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Whatever a test waits for by itself is much shorter, and said there."""
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    monkeypatch.setattr(attempts, "TOTAL_SECONDS", PATIENCE)
    monkeypatch.setattr(guard, "FOLLOW_SECONDS", PATIENCE)


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.hangs.set()


def failed(work: Callable[[], object]) -> tuple[VaultError, float]:
    began = time.monotonic()
    with pytest.raises(VaultError) as raised:
        work()
    return raised.value, time.monotonic() - began


def test_after_a_failure_nobody_asks_for_a_while_then_one_does(service: Service, clock: Clock) -> None:
    line = Guard()
    service.failure = OSError("refused")
    assert isinstance(failed(lambda: line.ask(service, explain))[0], KeyServiceUnavailable)
    for _ in range(5):
        assert "a moment ago" in str(failed(lambda: line.ask(service, explain))[0])
        clock.go_on(guard.OPEN_SECONDS / 6)
    assert (service.calls, line.opened, line.closed) == (1, True, False)
    clock.go_on(guard.OPEN_SECONDS / 6)
    assert not line.opened
    failed(lambda: line.ask(service, explain))
    assert (service.calls, line.opened) == (2, True)
    service.failure = None
    clock.go_on(guard.OPEN_SECONDS)
    assert line.ask(service, explain) == "answer"
    assert line.closed


@pytest.mark.parametrize("answer", [KeyServiceDenied("no"), BadCiphertext()], ids=["a refusal", "bad ciphertext"])
def test_an_answer_that_says_no_is_an_answer(service: Service, answer: VaultError) -> None:
    line = Guard()
    service.failure = answer
    for _ in range(3):
        assert type(failed(lambda: line.ask(service, explain))[0]) is type(answer)
    assert service.calls == 3
    assert line.closed


def test_one_waits_for_a_service_that_hangs_and_the_others_hardly(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "FOLLOW_SECONDS", 0.2)
    line = Guard()
    service.hangs.clear()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(line.ask, service, explain)
        until_asked(service, 1)
        error, seconds = failed(lambda: line.ask(service, explain))
        assert "no answer in" in str(error)
        assert 0.2 <= seconds < PATIENCE / 3
        assert service.calls == 2
        error, _ = failed(lambda: line.ask(service, explain))
        assert "another request" in str(error)
        assert service.calls == 2, "nobody joins it any more"
        assert not first.done()
        service.hangs.set()
        assert first.result() == "answer"


def test_who_waits_gives_up_and_then_nobody_asks(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "TOTAL_SECONDS", 0.3)
    line = Guard()
    service.hangs.clear()
    error, seconds = failed(lambda: line.ask(service, explain))
    assert "no answer in 0.3 seconds" in str(error)
    assert 0.3 <= seconds < PATIENCE / 3, "it hangs for longer than that"
    assert "a moment ago" in str(failed(lambda: line.ask(service, explain))[0])
    assert line.opened


def test_only_one_tries_whether_it_is_back(service: Service, clock: Clock) -> None:
    line = Guard()
    service.failure = OSError("refused")
    failed(lambda: line.ask(service, explain))
    service.failure = None
    service.hangs.clear()
    clock.go_on(guard.OPEN_SECONDS)
    with ThreadPoolExecutor(1) as threads:
        probe = threads.submit(line.ask, service, explain)
        until_asked(service, 2)
        assert "another request" in str(failed(lambda: line.ask(service, explain))[0])
        assert service.calls == 2
        service.hangs.set()
        assert probe.result() == "answer"
    assert service.calls == 2
    assert line.ask(service, explain) == "answer"


def test_many_at_once_are_answered_by_a_service_that_is_well() -> None:
    line, together = Guard(), threading.Barrier(8)

    def work() -> str:
        together.wait(PATIENCE)
        return "answer"

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: line.ask(work, explain), range(8))) == {"answer"}


def test_questions_that_belong_together_end_together(service: Service) -> None:
    service.hangs.clear()
    began = time.monotonic()
    with within(0.3):
        for _ in range(3):
            failed(lambda: attempts.ask(service, explain))
    assert 0.3 <= time.monotonic() - began < PATIENCE / 3, "and not after all the time that each has"


def test_all_versions_of_a_tenants_key_are_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that takes its time for each of them, though never too long, must not add up."""
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    with TransitServer() as server:
        service = open_key_service(server.address)
        keyring, row = Keyring.create(service, "tenant")
        rows = [row]
        while len(rows) < 15:
            keyring, row = keyring.add(service)
            rows.append(row)
        monkeypatch.setattr(attempts, "TOTAL_SECONDS", deadline.SECONDS)
        server.fault = lambda _: time.sleep(1.3)
        error, seconds = failed(lambda: Keyring.open(service, "tenant", rows))
        assert isinstance(error, KeyServiceUnavailable)
        assert seconds < 15 * 1.3 / 2


def test_what_the_breaker_keeps_leads_to_no_frame(service: Service) -> None:
    """Frames hold what was to be wrapped; the breaker keeps its last failure for as long as nobody answers."""
    line = Guard()
    service.failure = OSError("refused")
    failed(lambda: line.ask(service, explain))
    kept = line._breaker.last_failure
    assert isinstance(kept, KeyServiceUnavailable)
    assert (kept.__traceback__, kept.__context__, kept.__cause__) == (None, None, None)
