"""Reading and making SSH keys; formats and signatures are the `cryptography` package's."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from tenants.errors import Invalid

MAX_BYTES: Final = 16 * 1024
MIN_RSA_BITS: Final = 3072

PrivateKey = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

# OpenSSH's armour says what is inside only after base64: these kinds are told apart before anything is parsed.
_HARDWARE: Final = re.compile(rb"sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com")
_COMMENT: Final = re.compile(r"[^\x00-\x1f\x7f]{0,200}")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key in OpenSSH format and what may be shown of it."""

    private: bytes = field(repr=False)
    public: str
    kind: str
    bits: int
    fingerprint: str
    comment: str
    passphrase_protected: bool


def generate(comment: str) -> KeyPair:
    return _pair(ed25519.Ed25519PrivateKey.generate(), comment, passphrase_protected=False)


def read(text: str, passphrase: str, field: str = "private_key") -> KeyPair:
    """Return the key pair. Raises Invalid, with the reason, for what is no key, too weak or not wanted."""
    raw = text.replace("\r\n", "\n").strip().encode(errors="replace") + b"\n"
    if len(raw) > MAX_BYTES:
        raise Invalid({field: "An SSH key is at most 16 KiB."})
    _recognise(raw, field)
    key = _load(raw, passphrase, field)
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < MIN_RSA_BITS:
        raise Invalid({field: f"RSA of {key.key_size} bits is too weak: use Ed25519, or RSA of 3072 bits or more."})
    if not isinstance(key, PrivateKey):
        raise Invalid({field: "Use an Ed25519, ECDSA or RSA key; DSA and others are refused as too weak."})
    return _pair(key, "", passphrase_protected=bool(passphrase))


def _recognise(raw: bytes, field: str) -> None:
    if raw.startswith((b"ssh-", b"ecdsa-", b"sk-")):
        raise Invalid({field: "This is a public key or certificate: paste the private key (BEGIN … PRIVATE KEY)."})
    if b"PRIVATE KEY-----" not in raw[:64]:
        raise Invalid({field: "Paste a private key in OpenSSH or PEM format, with its BEGIN and END lines."})
    if b"-----BEGIN DSA PRIVATE KEY-----" in raw:
        raise Invalid({field: "DSA keys are refused as too weak: use Ed25519."})
    body = b"".join(line for line in raw.splitlines() if not line.startswith(b"-----"))
    try:
        packed = base64.b64decode(body)
    except ValueError:
        return  # encrypted PEM has header lines; the parser judges it
    if _HARDWARE.search(packed):
        raise Invalid({field: "This key lives in a hardware token (sk-): its private half can't leave the token."})


def _load(raw: bytes, passphrase: str, field: str) -> object:
    load = load_ssh_private_key if b"BEGIN OPENSSH PRIVATE KEY" in raw[:64] else load_pem_private_key
    try:
        return load(raw, passphrase.encode() or None)
    except TypeError:
        problem = "wants no passphrase: leave it empty" if passphrase else "is protected: enter its passphrase"
        raise Invalid({"passphrase": f"This key {problem}."}) from None
    except UnsupportedAlgorithm:
        raise Invalid({field: "Use an Ed25519, ECDSA or RSA key; this kind is not supported."}) from None
    except ValueError:
        what = "or the passphrase is wrong" if passphrase else "complete, with its BEGIN and END lines"
        raise Invalid({field: f"This is no private key that can be read, {what}."}) from None


def _pair(key: PrivateKey, comment: str, *, passphrase_protected: bool) -> KeyPair:
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    kind, _, body = public.partition(" ")
    digest = hashlib.sha256(base64.b64decode(body)).digest()
    comment = comment if _COMMENT.fullmatch(comment) else ""
    return KeyPair(
        private=key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        public=f"{public} {comment}".strip(),
        kind=kind,
        bits=256 if isinstance(key, ed25519.Ed25519PrivateKey) else key.key_size,
        fingerprint="SHA256:" + base64.b64encode(digest).decode().rstrip("="),
        comment=comment,
        passphrase_protected=passphrase_protected,
    )
