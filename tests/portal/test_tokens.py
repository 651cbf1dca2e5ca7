"""The token format: what we issue opens, and everything that resembles it does not."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwe, jws
from joserfc.jwk import OctKey, OKPKey

from portal.tokens import LEEWAY, MAX_SIZE, BadToken, Claims, Tokens

NOW = 1_800_000_000
SECRET = bytes(range(32))
ISSUER = "https://portal.example"
CLAIMS = Claims(UUID(int=1), UUID(int=2), UUID(int=3), NOW, NOW + 900)

Payload = dict[str, Any]


@pytest.fixture
def tokens() -> Tokens:
    return Tokens([SECRET], ISSUER)


def payload(**changes: Any) -> bytes:
    claims = {
        "iss": ISSUER,
        "sub": str(UUID(int=1)),
        "tenant": str(UUID(int=2)),
        "aud": f"{ISSUER}/api/v1",
        "jti": str(UUID(int=3)),
        "iat": NOW,
        "exp": NOW + 900,
    } | changes
    return json.dumps({name: value for name, value in claims.items() if value is not ...}).encode()


def encode(header: Payload) -> str:
    return urlsafe_b64encode(json.dumps(header, separators=(",", ":")).encode()).decode().rstrip("=")


class Forger:
    """Has the true keys: what it makes is refused for its form alone, which is what each case is about."""

    def __init__(self, tokens: Tokens) -> None:
        self.key = tokens.keys[0]

    def sign(self, body: bytes, **header: Any) -> str:
        full = {"alg": "HS512", "kid": self.key.kid, "typ": "bulkhead-access+jwt"} | header
        registry = jws.JWSRegistry(algorithms=["HS256", "HS384", "HS512"], strict_check_header=False)
        key = OctKey.import_key(self.key.signing.raw_value)
        return jws.serialize_compact(drop(full), body, key, registry=registry)

    def encrypt(self, inner: str | bytes, key: OctKey | None = None, **header: Any) -> str:
        full = {
            "alg": "dir",
            "enc": "A256GCM",
            "kid": self.key.kid,
            "typ": "bulkhead-access+jwe",
            "cty": "JWT",
        } | header
        names = ["dir", "A256KW", "A256GCM", "A128CBC-HS256", "DEF"]
        registry = jwe.JWERegistry(algorithms=names, strict_check_header=False)
        return jwe.encrypt_compact(drop(full), inner, key or self.key.encryption, registry=registry)


def drop(header: Payload) -> Payload:
    return {name: value for name, value in header.items() if value is not ...}


def test_what_is_issued_opens(tokens: Tokens) -> None:
    token = tokens.issue(CLAIMS)
    assert tokens.verify(token, NOW + 1) == CLAIMS
    assert len(token) < 1200
    assert str(UUID(int=1)) not in token


def test_the_forger_makes_what_we_make(tokens: Tokens) -> None:
    """Else the table below would prove nothing."""
    forger = Forger(tokens)
    assert tokens.verify(forger.encrypt(forger.sign(payload())), NOW) == CLAIMS


def unsigned(forger: Forger) -> str:
    none = {"alg": "none", "kid": forger.key.kid, "typ": "bulkhead-access+jwt"}
    return forger.encrypt(f"{encode(none)}.{urlsafe_b64encode(payload()).decode().rstrip('=')}.")


def truncated_signature(forger: Forger) -> str:
    return forger.encrypt(forger.sign(payload()).rsplit(".", 1)[0] + ".")


def other_signature(forger: Forger) -> str:
    head, body, _ = forger.sign(payload()).split(".")
    return forger.encrypt(f"{head}.{body}.{forger.sign(payload(sub=str(UUID(int=9)))).rsplit('.', 1)[1]}")


def public_key_as_secret(forger: Forger) -> str:
    public = OKPKey.generate_key("Ed25519").as_pem(private=False)
    registry = jws.JWSRegistry(algorithms=["HS512"], strict_check_header=False)
    header = {"alg": "HS512", "kid": forger.key.kid, "typ": "bulkhead-access+jwt"}
    return forger.encrypt(jws.serialize_compact(header, payload(), OctKey.import_key(public.hex()), registry=registry))


def signed_by_embedded_key(forger: Forger) -> str:
    own = OctKey.import_key(bytes(64))
    header = {"alg": "HS512", "kid": forger.key.kid, "typ": "bulkhead-access+jwt", "jwk": own.as_dict()}
    registry = jws.JWSRegistry(algorithms=["HS512"], strict_check_header=False)
    return forger.encrypt(jws.serialize_compact(header, payload(), own, registry=registry))


def wrapped_key(forger: Forger) -> str:
    return forger.encrypt(forger.sign(payload()), alg="A256KW")


def compressed(forger: Forger) -> str:
    return forger.encrypt(forger.sign(payload()), zip="DEF")


def bomb(forger: Forger) -> str:
    """A megabyte of zeros in a kilobyte, under a header that says so."""
    squeezed = zlib.compress(bytes(1_000_000))[2:-4]
    assert len(squeezed) < 2048
    return forger.encrypt(squeezed, zip="DEF")


def not_nested(forger: Forger) -> str:
    return forger.encrypt(payload())


def bare_signed(forger: Forger) -> str:
    return forger.sign(payload())


def nested_twice(forger: Forger) -> str:
    return forger.encrypt(forger.encrypt(forger.sign(payload())))


def reordered_header(forger: Forger) -> str:
    """The same header in other bytes: a token has one spelling."""
    return forger.encrypt(forger.sign(payload()), x=1)


FORGED: dict[str, Callable[[Forger], str]] = {
    "JWE around alg none": unsigned,
    "no signature": truncated_signature,
    "signature of another payload": other_signature,
    "alg confusion: a public key as the HMAC secret": public_key_as_secret,
    "signed by the key it brings along (jwk)": signed_by_embedded_key,
    "weaker alg HS256": lambda forger: forger.encrypt(forger.sign(payload(), alg="HS256")),
    "inner jwk": lambda forger: forger.encrypt(forger.sign(payload(), jwk={"kty": "oct", "k": "AA"})),
    "inner jku": lambda forger: forger.encrypt(forger.sign(payload(), jku="https://evil.example/keys")),
    "inner x5u": lambda forger: forger.encrypt(forger.sign(payload(), x5u="https://evil.example/cert")),
    "inner x5c": lambda forger: forger.encrypt(forger.sign(payload(), x5c=["AA"])),
    "inner crit": lambda forger: forger.encrypt(forger.sign(payload(), crit=["kid"])),
    "inner kid of nobody": lambda forger: forger.encrypt(forger.sign(payload(), kid="../../dev/null")),
    "inner kid missing": lambda forger: forger.encrypt(forger.sign(payload(), kid=...)),
    "inner typ of something else": lambda forger: forger.encrypt(forger.sign(payload(), typ="JWT")),
    "inner typ missing": lambda forger: forger.encrypt(forger.sign(payload(), typ=...)),
    "key wrapping instead of dir": wrapped_key,
    "zip": compressed,
    "decompression bomb": bomb,
    "outer jwk": lambda forger: forger.encrypt(forger.sign(payload()), jwk={"kty": "oct", "k": "AA"}),
    "outer jku": lambda forger: forger.encrypt(forger.sign(payload()), jku="https://evil.example/keys"),
    "outer x5u": lambda forger: forger.encrypt(forger.sign(payload()), x5u="https://evil.example/cert"),
    "outer x5c": lambda forger: forger.encrypt(forger.sign(payload()), x5c=["AA"]),
    "outer crit": lambda forger: forger.encrypt(forger.sign(payload()), crit=["kid"]),
    "outer p2c": lambda forger: forger.encrypt(forger.sign(payload()), p2c=2**31),
    "outer kid of nobody": lambda forger: forger.encrypt(forger.sign(payload()), kid="0" * 32),
    "outer typ of something else": lambda forger: forger.encrypt(forger.sign(payload()), typ="JWT"),
    "outer cty missing": lambda forger: forger.encrypt(forger.sign(payload()), cty=...),
    "header with one member more": reordered_header,
    "claims without a signature inside": not_nested,
    "signed but not encrypted": bare_signed,
    "encrypted twice": nested_twice,
}
CLAIMED: dict[str, Payload] = {
    "aud of another service": {"aud": "https://other.example/api/v1"},
    "aud missing": {"aud": ...},
    "aud as a list": {"aud": [f"{ISSUER}/api/v1"]},
    "iss of another portal": {"iss": "https://other.example"},
    "iss missing": {"iss": ...},
    "expired": {"exp": NOW},
    "exp missing": {"exp": ...},
    "exp as text": {"exp": str(NOW + 900)},
    "exp as a fraction": {"exp": NOW + 900.5},
    "iat true": {"iat": True},
    "issued in the future": {"iat": NOW + LEEWAY + 1},
    "jti missing": {"jti": ...},
    "jti in another spelling": {"jti": f"{{{UUID(int=3)}}}"},
    "jti no UUID": {"jti": "1 OR 1=1"},
    "sub as a number": {"sub": 1},
    "tenant missing": {"tenant": ...},
    "a claim more": {"role": "owner"},
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_another_form_is_refused(tokens: Tokens, forge: Callable[[Forger], str]) -> None:
    with pytest.raises(BadToken):
        tokens.verify(forge(Forger(tokens)), NOW)


@pytest.mark.parametrize("changes", CLAIMED.values(), ids=CLAIMED)
def test_other_claims_are_refused(tokens: Tokens, changes: Payload) -> None:
    forger = Forger(tokens)
    with pytest.raises(BadToken):
        tokens.verify(forger.encrypt(forger.sign(payload(**changes))), NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"text"', b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_claims_object_is_refused(tokens: Tokens, body: bytes) -> None:
    forger = Forger(tokens)
    with pytest.raises(BadToken):
        tokens.verify(forger.key.encrypt(forger.key.sign(body)), NOW)


@pytest.mark.parametrize("part", range(5))
def test_a_changed_byte_is_refused(tokens: Tokens, part: int) -> None:
    parts = tokens.issue(CLAIMS).split(".")
    raw = bytearray(urlsafe_b64decode(parts[part] + "==") or b"\0")
    raw[0] ^= 1
    parts[part] = urlsafe_b64encode(raw).decode().rstrip("=")
    with pytest.raises(BadToken):
        tokens.verify(".".join(parts), NOW)


@pytest.mark.parametrize("text", ["", ".", "....", "a.b.c.d.e", "\x00", "ü" * 10, "Bearer x"])
def test_text_that_is_no_token_is_refused(tokens: Tokens, text: str) -> None:
    with pytest.raises(BadToken):
        tokens.verify(text, NOW)


def test_an_oversized_token_is_refused_unread(tokens: Tokens) -> None:
    """Padding inside the claims keeps everything else right, so that only its size can be why."""
    forger = Forger(tokens)
    spaced = payload().replace(b"{", b"{" + b" " * MAX_SIZE, 1)
    with pytest.raises(BadToken):
        tokens.verify(forger.encrypt(forger.sign(spaced)), NOW)


def test_an_expired_token_is_refused(tokens: Tokens) -> None:
    token = tokens.issue(CLAIMS)
    tokens.verify(token, CLAIMS.expires_at - 1)
    with pytest.raises(BadToken):
        tokens.verify(token, CLAIMS.expires_at)


def test_a_token_of_another_deployment_is_refused(tokens: Tokens) -> None:
    stranger = Tokens([bytes(32)], ISSUER)
    with pytest.raises(BadToken):
        tokens.verify(stranger.issue(CLAIMS), NOW)


def test_a_secret_is_rotated_with_an_overlap(tokens: Tokens) -> None:
    old = tokens.issue(CLAIMS)
    both = Tokens([bytes(32), SECRET], ISSUER)
    assert both.verify(old, NOW) == CLAIMS
    new = both.issue(CLAIMS)
    assert both.verify(new, NOW) == CLAIMS
    with pytest.raises(BadToken):
        tokens.verify(new, NOW)
    with pytest.raises(BadToken):
        Tokens([bytes(32)], ISSUER).verify(old, NOW)


def test_a_token_under_the_others_header_is_refused() -> None:
    """The header names the key: ciphertext under one key's header must not be tried with the other's."""
    both = Tokens([bytes(32), SECRET], ISSUER)
    first, second = both.keys
    body = second.encrypt(second.sign(payload())).partition(".")[2]
    with pytest.raises(BadToken):
        both.verify(first.jwe_prefix + body, NOW)


def test_keys_show_nothing(tokens: Tokens) -> None:
    shown = repr(tokens.keys[0]) + repr(tokens)
    assert shown.startswith("TokenKey(")
    assert tokens.keys[0].signing.raw_value.hex() not in shown
