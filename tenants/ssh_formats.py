"""Reading and making SSH keys; formats and signatures are the `cryptography` package's."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
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
MAX_RSA_BITS: Final = 4096
MAX_PACKED_BYTES: Final = 4096  # of any key up to RSA 4096: larger ones cost seconds only to be looked at
MAX_ROUNDS: Final = 64  # of bcrypt; ssh-keygen takes 16 or 24 unless told otherwise
CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)

PrivateKey = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

# OpenSSH's armour says what is inside only after base64: these kinds are told apart before anything is parsed.
_HARDWARE: Final = re.compile(rb"sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com")
_BCRYPT: Final = re.compile(rb"openssh-key-v1\0\0\0\0.[a-z0-9@.-]+\0\0\0\x06bcrypt....(?P<salt_length>....)", re.DOTALL)
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
    if isinstance(key, rsa.RSAPrivateKey) and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        what = "too weak" if key.key_size < MIN_RSA_BITS else "too large"
        raise Invalid({field: f"RSA of {key.key_size} bits is {what}: use Ed25519, or RSA of 3072 to 4096 bits."})
    if isinstance(key, ec.EllipticCurvePrivateKey) and not isinstance(key.curve, CURVES):
        raise Invalid({field: f"SSH does not know the curve {key.curve.name}: use Ed25519 or a NIST curve."})
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
    if b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in raw:
        # PKCS #8 lets its author choose how many seconds and gigabytes opening it takes.
        raise Invalid({field: "Convert this protected PEM key to OpenSSH's own format first: ssh-keygen -p -f FILE"})
    try:
        packed = base64.b64decode(body)
    except ValueError:
        return  # encrypted PEM has header lines; the parser judges it
    if len(packed) > MAX_PACKED_BYTES:
        raise Invalid({field: "This key is larger than RSA of 4096 bits: use Ed25519, or RSA of 3072 to 4096 bits."})
    if _HARDWARE.search(packed):
        raise Invalid({field: "This key lives in a hardware token (sk-): its private half can't leave the token."})
    if _rounds(packed) > MAX_ROUNDS:
        raise Invalid({field: f"Its passphrase is stretched too far: first ssh-keygen -p -a {MAX_ROUNDS} -f FILE"})


def _rounds(packed: bytes) -> int:
    """Return the rounds of bcrypt that opening an OpenSSH key takes (PROTOCOL.key); 0 where it is not protected so."""
    found = _BCRYPT.match(packed)
    if found is None:
        return 0
    (salt_length,) = struct.unpack(">I", found["salt_length"])
    place = found.end() + salt_length
    return int(struct.unpack(">I", packed[place : place + 4].rjust(4, b"\xff"))[0])


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
