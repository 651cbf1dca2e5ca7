"""Seals what is revealed to the ephemeral X25519 key of the process that asked (JWE; RFC 7518, RFC 8037)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final

from joserfc import jwe
from joserfc.jwk import OKPKey

from portal.api.errors import Refusal
from portal.api.schemas import PublicKey, Sealed

ALGORITHMS: Final = ("ECDH-ES", "A256GCM")


def seal_for(key: PublicKey, content: dict[str, Any]) -> Sealed:
    """Seal `content` as JSON. Raises a 422 Refusal for a key that is no point or that yields no shared secret."""
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "typ": "bulkhead-sealed+jwe", "cty": "application/json"}
    recipient = _recipient(key)
    try:
        sealed = jwe.encrypt_compact(header, json.dumps(content).encode(), recipient, algorithms=ALGORITHMS)
    except ValueError:  # a point of low order: the shared secret would be zero, known to everybody
        raise _refused() from None
    return Sealed(jwe=sealed)


def _recipient(key: PublicKey) -> OKPKey:
    raw = urlsafe_b64decode(key.x + "=")
    if urlsafe_b64encode(raw).rstrip(b"=").decode() != key.x:
        raise _refused()
    return OKPKey.import_key({"kty": key.kty, "crv": key.crv, "x": key.x})


def _refused() -> Refusal:
    return Refusal(422, fields={"key.x": "must be an X25519 public key"})
