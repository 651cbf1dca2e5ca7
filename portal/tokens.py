"""Access tokens: JWS (HS512, RFC 7515) inside JWE (dir + A256GCM, RFC 7516). They carry identity alone.

    JWE  {"alg":"dir","enc":"A256GCM","kid":K,"typ":"bulkhead-access+jwe","cty":"JWT"}
     └─ JWS  {"alg":"HS512","kid":K,"typ":"bulkhead-access+jwt"}
         └─ {"iss","sub": person,"tenant","aud","jti": row,"iat","exp"}

Both headers are constants of a key: a token whose header segments differ from ours by one byte is refused before
anything in it is parsed. So `alg: none`, `zip`, `crit`, `jwk`, `jku`, `x5u`, `x5c`, a foreign `kid` or another `typ`
have no way in, whatever the library would make of them. What a token may do is looked up at each use, by its `jti`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Final
from uuid import UUID

from cachetools import LRUCache
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from secrets_vault import derive

MAX_SIZE: Final = 4096  # bytes; what we issue is under 1,000
REMEMBERED: Final = 4096  # tokens whose claims a process remembers
LEEWAY: Final = 60  # seconds that the clocks of two web servers may differ by when a token was just issued
JWE_TYPE: Final = "bulkhead-access+jwe"
JWS_TYPE: Final = "bulkhead-access+jwt"
JWE_ALGORITHMS: Final = ("dir", "A256GCM")
JWS_ALGORITHMS: Final = ("HS512",)


class BadToken(Exception):  # noqa: N818 - one opaque verdict for every failure
    """The token is not one of ours, was changed, is for somebody else, or has expired."""


@dataclass(frozen=True, slots=True)
class Claims:
    person_id: UUID
    tenant_id: UUID
    token_id: UUID
    issued_at: int  # seconds since the epoch, as `iat` and `exp`
    expires_at: int


class TokenKey:
    """The signing and the encryption key that one deployment secret yields, and the headers that they imply."""

    def __init__(self, secret: bytes) -> None:
        self.kid = derive(secret, "bulkhead token key id", length=16).hex()
        self.signing = OctKey.import_key(derive(secret, "bulkhead token signing", length=64))
        self.encryption = OctKey.import_key(derive(secret, "bulkhead token encryption", length=32))
        self.jws_prefix = self.sign(b"").partition(".")[0] + "."
        self.jwe_prefix = self.encrypt("").partition(".")[0] + "."

    def __repr__(self) -> str:
        return f"TokenKey({self.kid})"

    def sign(self, payload: bytes) -> str:
        header = {"alg": "HS512", "kid": self.kid, "typ": JWS_TYPE}
        return jws.serialize_compact(header, payload, self.signing, algorithms=JWS_ALGORITHMS)

    def encrypt(self, signed: str) -> str:
        header = {"alg": "dir", "enc": "A256GCM", "kid": self.kid, "typ": JWE_TYPE, "cty": "JWT"}
        return jwe.encrypt_compact(header, signed, self.encryption, algorithms=JWE_ALGORITHMS)

    def open(self, token: str) -> bytes:
        """Return the signed payload; the caller has compared the outer header."""
        inner = jwe.decrypt_compact(token, self.encryption, algorithms=JWE_ALGORITHMS).plaintext or b""
        if not inner.startswith(self.jws_prefix.encode()):
            raise BadToken
        return jws.deserialize_compact(inner, self.signing, algorithms=JWS_ALGORITHMS).payload


class Tokens:
    """Issues with the first secret and accepts all of them, so that a secret is rotated with an overlap."""

    def __init__(self, secrets: Iterable[bytes], issuer: str) -> None:
        self.keys = [TokenKey(secret) for secret in secrets]
        self.issuer = issuer
        self.audience = f"{issuer}/api/v1"
        # What tokens said that were opened under these keys, by SHA-256 of the token: a command line sends the same one
        # again and again. Whether it has expired, and what its row says, is asked at each use.
        self._read: LRUCache[bytes, Claims] = LRUCache(maxsize=REMEMBERED)
        self._lock = Lock()

    def issue(self, claims: Claims) -> str:
        key = self.keys[0]
        payload = {
            "iss": self.issuer,
            "sub": str(claims.person_id),
            "tenant": str(claims.tenant_id),
            "aud": self.audience,
            "jti": str(claims.token_id),
            "iat": claims.issued_at,
            "exp": claims.expires_at,
        }
        return key.encrypt(key.sign(json.dumps(payload, separators=(",", ":")).encode()))

    def verify(self, token: str, now: float) -> Claims:
        """Return what the token says; `now` is in seconds since the epoch. Raises BadToken."""
        if len(token) > MAX_SIZE:
            raise BadToken
        try:
            claims = self._said_by(token)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise BadToken from None
        if not claims.issued_at - LEEWAY <= now < claims.expires_at:
            raise BadToken
        return claims

    def _said_by(self, token: str) -> Claims:
        digest = hashlib.sha256(token.encode()).digest()
        with self._lock:
            known: Claims | None = self._read.get(digest)
        return known or self._open(token, digest)

    def _open(self, token: str, digest: bytes) -> Claims:
        key = next((key for key in self.keys if token.startswith(key.jwe_prefix)), None)
        if key is None:
            raise BadToken
        claims = self._claims(json.loads(key.open(token)))
        with self._lock:
            self._read[digest] = claims
        return claims

    def _claims(self, payload: dict[str, object]) -> Claims:
        if set(payload) != {"iss", "sub", "tenant", "aud", "jti", "iat", "exp"}:
            raise BadToken
        if payload["iss"] != self.issuer or payload["aud"] != self.audience:
            raise BadToken
        return Claims(
            person_id=_uuid(payload["sub"]),
            tenant_id=_uuid(payload["tenant"]),
            token_id=_uuid(payload["jti"]),
            issued_at=_seconds(payload["iat"]),
            expires_at=_seconds(payload["exp"]),
        )


def _uuid(value: object) -> UUID:
    """Return the UUID only in its canonical spelling, so that a row has one name."""
    identifier = UUID(str(value))
    if str(identifier) != value:
        raise BadToken
    return identifier


def _seconds(value: object) -> int:
    if type(value) is not int:  # a bool is an int to isinstance
        raise BadToken
    return value
