"""Who waits for a key service that is away, how long, and when it is asked again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

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
from tests.secrets_vault.keyservice.servers.transit import TOKEN, TransitServer

QUICK = 0.15  # seconds; what is refused at once takes less, what is waited for 0.2 or more


class Service:
    """What a client does when it is called: it answers, fails, or hangs until it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.failure: Exception | None = None
        self.hangs = threading.Event()
        self.hangs.set()

    def __call__(self) -> str:
        self.calls += 1
        self.hangs.wait(5)
        if self.failure is not None:
            raise self.failure
        return "answer"


def until_asked(service: Service, times: int) -> None:
    while service.calls < times:
        time.sleep(0.01)


def explain(error: Exception) -> VaultError:
    return KeyServiceUnavailable(str(error))


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    monkeypatch.setattr(attempts, "TOTAL_SECONDS", 0.6)
    monkeypatch.setattr(guard, "FOLLOW_SECONDS", 0.2)
    monkeypatch.setattr(guard, "OPEN_SECONDS", 0.3)


def failed(work: Callable[[], object]) -> tuple[VaultError, float]:
    began = time.monotonic()
    with pytest.raises(VaultError) as raised:
        work()
    return raised.value, time.monotonic() - began


def test_after_a_failure_nobody_asks_for_a_while_then_one_does() -> None:
    line, service = Guard(), Service()
    service.failure = OSError("refused")
    assert isinstance(failed(lambda: line.ask(service, explain))[0], KeyServiceUnavailable)
    for _ in range(5):
        error, seconds = failed(lambda: line.ask(service, explain))
        assert "a moment ago" in str(error)
        assert seconds < QUICK
    assert (service.calls, line.opened, line.closed) == (1, True, False)
    time.sleep(0.35)
    assert not line.opened
    failed(lambda: line.ask(service, explain))
    assert (service.calls, line.opened) == (2, True)
    service.failure = None
    time.sleep(0.35)
    assert line.ask(service, explain) == "answer"
    assert line.closed


@pytest.mark.parametrize("answer", [KeyServiceDenied("no"), BadCiphertext()], ids=["a refusal", "bad ciphertext"])
def test_an_answer_that_says_no_is_an_answer(answer: VaultError) -> None:
    line, service = Guard(), Service()
    service.failure = answer
    for _ in range(3):
        assert type(failed(lambda: line.ask(service, explain))[0]) is type(answer)
    assert service.calls == 3
    assert line.closed


def test_one_waits_for_a_service_that_hangs_and_the_others_hardly() -> None:
    line, service = Guard(), Service()
    service.hangs.clear()
    with ThreadPoolExecutor(2) as threads:
        first: Future[tuple[VaultError, float]] = threads.submit(failed, lambda: line.ask(service, explain))
        second = threads.submit(failed, lambda: line.ask(service, explain))
        until_asked(service, 2)
        time.sleep(0.3)
        error, seconds = failed(lambda: line.ask(service, explain))
        assert "another request" in str(error)
        assert seconds < QUICK
        assert 0.2 <= min(first.result()[1], second.result()[1]) < 0.5
        assert 0.6 <= max(first.result()[1], second.result()[1]) < 3, "it hangs for longer than that"
    service.hangs.set()
    assert failed(lambda: line.ask(service, explain))[1] < QUICK


def test_only_one_tries_whether_it_is_back() -> None:
    line, service = Guard(), Service()
    service.failure = OSError("refused")
    failed(lambda: line.ask(service, explain))
    service.failure = None
    service.hangs.clear()
    time.sleep(0.35)
    with ThreadPoolExecutor(1) as threads:
        probe = threads.submit(line.ask, service, explain)
        until_asked(service, 2)
        assert failed(lambda: line.ask(service, explain))[1] < QUICK
        service.hangs.set()
        assert probe.result() == "answer"
    assert service.calls == 2
    assert line.ask(service, explain) == "answer"


def test_many_at_once_are_answered_by_a_service_that_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "FOLLOW_SECONDS", 5.0)
    monkeypatch.setattr(attempts, "TOTAL_SECONDS", 5.0)
    line, together = Guard(), threading.Barrier(8)

    def work() -> str:
        together.wait(5)
        return "answer"

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: line.ask(work, explain), range(8))) == {"answer"}


def test_questions_that_belong_together_end_together() -> None:
    service = Service()
    service.hangs.clear()
    began = time.monotonic()
    with within(0.3):
        for _ in range(3):
            failed(lambda: attempts.ask(service, explain))
    assert 0.3 <= time.monotonic() - began < 0.8, "and not after three times as long"
    service.hangs.set()


def test_all_versions_of_a_tenants_key_are_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that takes its time for each of them, though never too long, must not add up."""
    monkeypatch.setattr(attempts, "TOTAL_SECONDS", deadline.SECONDS)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    with TransitServer() as server:
        service = open_key_service(server.address)
        keyring, first = Keyring.create(service, "tenant")
        _, second = keyring.add(service)
        server.fault = lambda _: time.sleep(1.3)
        error, seconds = failed(lambda: Keyring.open(service, "tenant", [first, second]))
        assert isinstance(error, KeyServiceUnavailable)
        assert seconds < 2.4


def test_what_the_breaker_keeps_leads_to_no_frame() -> None:
    """Frames hold what was to be wrapped; the breaker keeps its last failure for as long as nobody answers."""
    line, service = Guard(), Service()
    service.failure = OSError("refused")
    failed(lambda: line.ask(service, explain))
    kept = line._breaker.last_failure
    assert isinstance(kept, KeyServiceUnavailable)
    assert (kept.__traceback__, kept.__context__, kept.__cause__) == (None, None, None)
