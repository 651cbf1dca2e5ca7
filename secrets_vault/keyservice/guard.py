"""What a key service that is away may cost a process: one thread that waits for it, and not for long.

A process has few threads and all its pages need them. So of several that ask at the same time, the first has all the
time there is, and the others half a second; while the first is waiting for longer than that, nobody joins it. When it
fails the breaker opens: for five seconds everybody is refused at once, then one request tries again, and an answer
closes the breaker. What has failed by then has failed four times, or for as long as anybody waits (attempts.py), so one
failure is enough. A refusal is an answer too: it comes quickly, and the service is there.
"""

import math
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from circuitbreaker import CircuitBreaker

from secrets_vault.errors import KeyServiceUnavailable, VaultError
from secrets_vault.keyservice.attempts import Explain, ask
from secrets_vault.keyservice.deadline import within

FOLLOW_SECONDS: Final = 0.5
OPEN_SECONDS: Final = 5.0

T = TypeVar("T")


class Guard:
    """The breaker of one service in one process, and who waits for it."""

    def __init__(self) -> None:
        # Of a library that tells time by the monotonic clock: a clock set back must not keep a deployment sealed.
        self._breaker = CircuitBreaker(1, OPEN_SECONDS, KeyServiceUnavailable)
        self._first = threading.Lock()
        self._since = math.inf  # when the one that is waiting began

    @property
    def closed(self) -> bool:
        """Whether anybody may ask."""
        return bool(self._breaker.closed)

    @property
    def opened(self) -> bool:
        """Whether nobody may; if neither holds, one may try."""
        return bool(self._breaker.opened)

    def ask(self, work: Callable[[], T], explain: Explain) -> T:
        """What `attempts.ask` returns and raises. Raises KeyServiceUnavailable at once where waiting is of no use."""
        if self.opened:
            raise KeyServiceUnavailable("the key service failed a moment ago and is not asked again yet")
        if not self._first.acquire(blocking=False):
            return self._follow(work, explain)
        try:
            self._since = time.monotonic()
            return self._lead(work, explain)
        finally:
            self._since = math.inf
            self._first.release()

    def _lead(self, work: Callable[[], T], explain: Explain) -> T:
        try:
            answer = ask(work, explain)
        except KeyServiceUnavailable:
            self._open()
            raise
        except VaultError:
            self._breaker.reset()
            raise
        self._breaker.reset()
        return answer

    def _follow(self, work: Callable[[], T], explain: Explain) -> T:
        if not self.closed or time.monotonic() - self._since > FOLLOW_SECONDS:
            raise KeyServiceUnavailable("the key service has not answered another request yet")
        with within(FOLLOW_SECONDS):
            return ask(work, explain)

    def _open(self) -> None:
        """Tell the breaker. It keeps the error, so it gets one of its own: the real one's frames hold keys."""
        self._breaker.__exit__(KeyServiceUnavailable, KeyServiceUnavailable(), None)
