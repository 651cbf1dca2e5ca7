"""Seals what is revealed to the ephemeral X25519 key of the process that asked: compact JWE (RFC 7516, 7518, 8037).

    header . . IV . ciphertext . tag      each base64url; the second part, a wrapped key, is empty: ECDH-ES is direct
    content key = Concat KDF (SHA-256) of the secret that X25519 agrees on, for "A256GCM" (RFC 7518, 4.6.2)

Written out because it is in the way of every reading of secrets; the library that opens it at the other end, and in the
tests, is the one that would take three times as long here.
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from portal.api.errors import Refusal
from portal.api.schemas import PublicKey, Sealed

_KEY: Final = 32  # bytes
_IV: Final = 12
_TAG: Final = 16
_NAME: Final = b"A256GCM"
# AlgorithmID, PartyUInfo and PartyVInfo (both empty), and SuppPubInfo: the key's length in bits.
_INFO: Final = len(_NAME).to_bytes(4, "big") + _NAME + bytes(8) + (_KEY * 8).to_bytes(4, "big")
_HEADER: Final = {"alg": "ECDH-ES", "enc": "A256GCM", "typ": "bulkhead-sealed+jwe", "cty": "application/json"}


def seal_for(key: PublicKey, content: dict[str, Any]) -> Sealed:
    """Seal `content` as JSON. Raises a 422 Refusal for a key that is no point or that yields no shared secret."""
    return Sealed(jwe=jwe_for(key, content))


def jwe_for(key: PublicKey, content: dict[str, Any]) -> str:
    """Return the same as text. Raises as `seal_for` does."""
    ephemeral = X25519PrivateKey.generate()
    epk = {"kty": "OKP", "crv": "X25519", "x": _text(ephemeral.public_key().public_bytes_raw())}
    header = _text(json.dumps({**_HEADER, "epk": epk}, separators=(",", ":")).encode())
    try:
        agreed = ephemeral.exchange(_recipient(key))
    except ValueError:  # a point of low order: the shared secret would be zero, known to everybody
        raise _refused() from None
    iv = os.urandom(_IV)
    cipher = AESGCM(ConcatKDFHash(SHA256(), _KEY, _INFO).derive(agreed))
    sealed = cipher.encrypt(iv, json.dumps(content).encode(), header.encode())
    return f"{header}..{_text(iv)}.{_text(sealed[:-_TAG])}.{_text(sealed[-_TAG:])}"


def _recipient(key: PublicKey) -> X25519PublicKey:
    raw = urlsafe_b64decode(key.x + "=")
    if _text(raw) != key.x:
        raise _refused()
    return X25519PublicKey.from_public_bytes(raw)


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _refused() -> Refusal:
    return Refusal(422, fields={"key.x": "must be an X25519 public key"})
