"""What the sandbox remembers: authorizations under way, codes and access tokens. In memory, single use, short-lived."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from portal.demo.identity.accounts import Account

PICK_SECONDS: Final = 600.0
CODE_SECONDS: Final = 60.0
TOKEN_SECONDS: Final = 7200.0
_MOST: Final = 10_000  # entries a store keeps, so that a loop can't fill the memory


@dataclass(frozen=True)
class Authorization:
    """One authorization request, as it arrived."""

    provider: str
    redirect_uri: str
    state: str
    scopes: tuple[str, ...]
    challenge: str  # PKCE, S256; empty: the client sent none


@dataclass(frozen=True)
class Grant:
    authorization: Authorization
    account: Account

    def verifies(self, verifier: str) -> bool:
        """Say whether the PKCE verifier is the one that was promised (RFC 7636, section 4.6)."""
        if not self.authorization.challenge:
            return not verifier
        digest = hashlib.sha256(verifier.encode()).digest()
        computed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return hmac.compare_digest(computed, self.authorization.challenge)


Kept = TypeVar("Kept")


@dataclass
class Store(Generic[Kept]):
    """Values under unguessable names that stop working after `seconds`."""

    seconds: float
    prefix: str = ""
    clock: Callable[[], float] = time.monotonic
    _kept: dict[str, tuple[float, Kept]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, value: Kept) -> str:
        name = self.prefix + secrets.token_urlsafe(30)
        with self._lock:
            while len(self._kept) >= _MOST:
                del self._kept[next(iter(self._kept))]
            self._kept[name] = (self.clock() + self.seconds, value)
        return name

    def get(self, name: str) -> Kept | None:
        with self._lock:
            return self._fresh(self._kept.get(name))

    def take(self, name: str) -> Kept | None:
        """Return the value and forget it: what is taken once is gone, even when it had expired."""
        with self._lock:
            return self._fresh(self._kept.pop(name, None))

    def _fresh(self, kept: tuple[float, Kept] | None) -> Kept | None:
        return kept[1] if kept is not None and kept[0] > self.clock() else None


@dataclass
class Memory:
    pending: Store[Authorization] = field(default_factory=lambda: Store(PICK_SECONDS))
    codes: Store[Grant] = field(default_factory=lambda: Store(CODE_SECONDS))
    tokens: Store[Grant] = field(default_factory=lambda: Store(TOKEN_SECONDS, "sandbox_"))
