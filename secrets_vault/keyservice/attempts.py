"""Asking a service over the network: a few attempts, and an answer or an error in time, whatever the service does.

Clients' own timeouts don't bound a call: a name may resolve slowly, and a server that sends a byte each second restarts
the clock each time. So the work is done by a thread of its own, which is left to its fate when time is up. It is a
daemon, so that it holds up no process that wants to end.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_before_delay, wait_random_exponential

from secrets_vault.errors import KeyServiceUnavailable, VaultError
from secrets_vault.keyservice import deadline

CONNECT_SECONDS: Final = 1.0
READ_SECONDS: Final = 1.5
TOTAL_SECONDS: Final = deadline.SECONDS
ATTEMPTS: Final = 4
_UNANSWERED: Final = 64  # threads that wait for services: a service that hangs must not fill the process with them
_slots: Final = threading.BoundedSemaphore(_UNANSWERED)

T = TypeVar("T")
Explain = Callable[[Exception], VaultError]


def ask(work: Callable[[], T], explain: Explain) -> T:
    """What `work` returns. It is repeated while it fails as KeyServiceUnavailable and there is time.

    `explain` says what a client's error means. Raises that VaultError, and KeyServiceUnavailable when time is up. The
    error is a new one: neither its context nor its traceback leads to the client's frames, which hold plaintext.
    """
    slots, answer, seconds = _slots, Future[T](), deadline.left(TOTAL_SECONDS)
    if seconds <= 0:
        raise KeyServiceUnavailable("there is no time left to ask the key service")
    if not slots.acquire(blocking=False):
        raise KeyServiceUnavailable("too many requests to the key service are unanswered")
    answer.add_done_callback(lambda _: slots.release())
    try:
        threading.Thread(target=_answer, args=(answer, work, explain, seconds), name="key service", daemon=True).start()
        return answer.result(seconds)
    except TimeoutError:
        failure: VaultError = KeyServiceUnavailable(f"the key service gave no answer in {seconds:.1f} seconds")
    except RuntimeError:
        answer.cancel()
        failure = KeyServiceUnavailable("there is no thread left to ask the key service")
    except VaultError as error:
        failure = type(error)(str(error))
    raise failure


def _answer(answer: Future[T], work: Callable[[], T], explain: Explain, seconds: float) -> None:
    try:
        answer.set_result(_repeatedly(work, explain, seconds))
    except VaultError as error:
        answer.set_exception(error)
    except Exception:  # noqa: BLE001 - of `explain` itself: an answer that no documentation foresees
        answer.set_exception(KeyServiceUnavailable("the key service's answer makes no sense"))


def _repeatedly(work: Callable[[], T], explain: Explain, seconds: float) -> T:
    result: T = Retrying(
        stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(seconds),
        wait=wait_random_exponential(multiplier=0.1, max=0.5),
        retry=retry_if_exception_type(KeyServiceUnavailable),
        reraise=True,
    )(_once, work, explain)
    return result


def _once(work: Callable[[], T], explain: Explain) -> T:
    try:
        return work()
    except VaultError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a client raises is a failed request, and its text may quote it
        failure = explain(error)
    raise failure
