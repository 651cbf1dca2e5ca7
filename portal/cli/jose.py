"""JOSE, for what opens or verifies. Such a command imports this when it gets there: others would start half as fast."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, OKPKey

__all__ = ["OKPKey", "OctKey", "opened", "verified"]


class _Registry(jwe.JWERegistry):
    max_ciphertext_length = 32 * 1024 * 1024  # a whole environment, not a token


def opened(sealed: str, key: OKPKey | OctKey, algorithms: Sequence[str]) -> Any:
    """Return the JSON within a compact JWE. Raises ValueError for whatever `key` does not open."""
    try:
        return json.loads(jwe.decrypt_compact(sealed, key, registry=_Registry(algorithms=algorithms)).plaintext or b"")
    except JoseError as error:
        raise ValueError(type(error).__name__) from None


def verified(compact: str, jwk: dict[str, Any], algorithms: Sequence[str]) -> tuple[dict[str, Any], Any]:
    """Return the header and the JSON of a compact JWS. Raises ValueError for what `jwk` did not sign."""
    try:
        found = jws.deserialize_compact(compact, OKPKey.import_key(jwk), algorithms=algorithms)
        return found.headers(), json.loads(found.payload)
    except JoseError as error:
        raise ValueError(type(error).__name__) from None
