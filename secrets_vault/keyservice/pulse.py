"""Whether a key service answers, for whoever must not wait for it: a health check, a process that starts."""

import logging
import math
import os
import threading
import time
from typing import Final

from secrets_vault import aead
from secrets_vault.errors import VaultError
from secrets_vault.keyservice.guard import Guard
from secrets_vault.keyservice.interface import KeyService

OLD_SECONDS: Final = 30.0
_CONTEXT: Final = {"purpose": "health"}

logger: Final = logging.getLogger(__name__)


class Pulse:
    """Has the service unwrap what it once wrapped, which nobody needs, in a thread of its own."""

    def __init__(self, service: KeyService, guard: Guard) -> None:
        self._service, self._guard = service, guard
        self._sample = b""
        self._good = False
        self._felt = -math.inf
        self._feeling = threading.Lock()

    def beats(self) -> bool:
        """Whether it answered when it was last asked, by anybody. Asks again where that is old, and doesn't wait."""
        old = time.monotonic() - self._felt > OLD_SECONDS or not self._guard.closed
        if old and not self._guard.opened and self._feeling.acquire(blocking=False):
            try:
                threading.Thread(target=self._feel, name="key service pulse", daemon=True).start()
            except RuntimeError:  # there is none left; the next who asks may find one
                self._feeling.release()
        return self._good and self._guard.closed

    def _feel(self) -> None:
        try:
            self._sample = self._sample or self._service.wrap(os.urandom(aead.KEY_BYTES), _CONTEXT)
            self._service.unwrap(self._sample, _CONTEXT)
            self._good = True
        except VaultError as error:
            logger.warning("the key service does not answer: %s", error)
            self._good = False
        finally:
            self._felt = time.monotonic()
            self._feeling.release()
