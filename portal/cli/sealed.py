"""An ephemeral key for one answer: what is revealed is sealed to it and opens in this process alone."""

from __future__ import annotations

import json
from typing import Any, Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from portal.cli.failures import Code, Failure

ALGORITHMS: Final = ("ECDH-ES", "A256GCM")


class Registry(jwe.JWERegistry):
    max_ciphertext_length = 32 * 1024 * 1024  # a whole environment, not a token


class Ephemeral:
    """An X25519 key pair that lives as long as the command."""

    def __init__(self) -> None:
        self._key = OKPKey.generate_key("X25519")

    def public(self) -> dict[str, Any]:
        """Return the public key as a JWK (RFC 8037)."""
        return dict(self._key.as_dict(private=False))

    def open(self, sealed: str) -> dict[str, Any]:
        """Return what was sealed to this key. Raises Failure for anything else."""
        try:
            opened = jwe.decrypt_compact(sealed, self._key, registry=Registry(algorithms=ALGORITHMS))
            content = json.loads(opened.plaintext or b"")
        except (JoseError, ValueError):
            raise Failure(Code.FAILED, "the portal's answer was not sealed to this process") from None
        if not isinstance(content, dict):
            raise Failure(Code.FAILED, "the portal's answer has an unknown form")
        return content
