"""What the browser holds and what the database holds, so that neither is worth anything without the other.

The browser has a handle of 256 random bits. The database has the handle's SHA-256, and a payload under a key derived
from the handle and a secret of the deployment, which changes with the period: a dump opens no session and reveals none.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from django.conf import settings

from portal import epochs
from secrets_vault import VaultError, aead, derive

_HANDLE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def new_handle() -> str:
    return secrets.token_urlsafe(32)


def is_handle(text: str) -> bool:
    return _HANDLE.fullmatch(text) is not None


def digest(handle: str) -> bytes:
    return hashlib.sha256(handle.encode()).digest()


def seal(use: str, handle: str, payload: dict[str, Any]) -> bytes:
    """Return nonce and ciphertext; `use` keeps a payload of one table from opening as one of another."""
    nonce, ciphertext = next(_keys(use, handle)).encrypt(json.dumps(payload).encode(), use.encode())
    return nonce + ciphertext


def unseal(use: str, handle: str, sealed: bytes) -> dict[str, Any] | None:
    """Return the payload, or None where it does not open: sealed under a secret no longer in force, or changed."""
    nonce, ciphertext = sealed[: aead.NONCE_BYTES], sealed[aead.NONCE_BYTES :]
    for key in _keys(use, handle):
        with suppress(VaultError):
            payload: dict[str, Any] = json.loads(key.decrypt(nonce, ciphertext, use.encode()))
            return payload
    return None


def _keys(use: str, handle: str) -> Iterator[aead.Key]:
    for secret in epochs.keys("sessions", settings.SESSION_SECRET, settings.SESSION_SECRET_FALLBACKS):
        yield aead.Key(derive(secret, use, handle))
