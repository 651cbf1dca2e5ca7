"""What the browser holds and what the database holds, so that neither is worth anything without the other.

The browser has a handle of 256 random bits. The database has the handle's SHA-256, and a payload under a key derived
from the handle and a secret of the deployment: a dump opens no session and reveals none.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from typing import Any, Final

from django.conf import settings

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
    nonce, ciphertext = _key(use, handle).encrypt(json.dumps(payload).encode(), use.encode())
    return nonce + ciphertext


def unseal(use: str, handle: str, sealed: bytes) -> dict[str, Any] | None:
    """Return the payload, or None where it does not open: sealed under another secret, or changed."""
    try:
        plaintext = _key(use, handle).decrypt(sealed[: aead.NONCE_BYTES], sealed[aead.NONCE_BYTES :], use.encode())
    except VaultError:
        return None
    payload: dict[str, Any] = json.loads(plaintext)
    return payload


def _key(use: str, handle: str) -> aead.Key:
    return aead.Key(derive(settings.SESSION_SECRET, use, handle))
