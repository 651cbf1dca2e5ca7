"""Public halves: what may be shown of them, and which may be certified."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

from tenants.errors import Invalid

MAX_LINE: Final = 2048  # characters: RSA of 4096 bits takes 724, and a comment
MIN_RSA_BITS: Final = 3072
MAX_RSA_BITS: Final = 4096
MIN_RSA_EXPONENT: Final = 65537

# A comment follows the key; options before it, as authorized_keys has them, are no part of a key.
_LINE: Final = re.compile(r"([a-z0-9@.-]{1,64}) ([A-Za-z0-9+/]+={0,2})(?: [^\x00-\x1f\x7f]*)?")

Key = ed25519.Ed25519PublicKey | rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class PublicKey:
    key: Key
    kind: str
    fingerprint: str


def line_of(key: Key) -> str:
    """Return the key as authorized_keys has it, without a comment."""
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def blob_of(key: Key) -> bytes:
    return base64.b64decode(line_of(key).partition(" ")[2])


def fingerprint(blob: bytes) -> str:
    """Return the fingerprint as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def read_public(text: str, field: str = "public_key") -> PublicKey:
    """Return the key of one line, as in a .pub file. Raises Invalid, with the reason, for what is not certified."""
    found = _LINE.fullmatch(text.strip()) if len(text) <= MAX_LINE else None
    if found is None:
        raise Invalid({field: "Give one line as in a .pub file: type, key and perhaps a comment."})
    kind, body = found.groups()
    if "-cert-v01@" in kind:
        raise Invalid({field: "This is a certificate already: give the public key that it is for."})
    if kind.startswith("sk-"):
        raise Invalid({field: "Keys in hardware tokens (sk-) can't be certified here yet: use an Ed25519 key."})
    key = _load(f"{kind} {body}", field)
    if isinstance(key, rsa.RSAPublicKey):
        _judge_rsa(key, field)
    return PublicKey(key, kind, fingerprint(blob_of(key)))


def _load(line: str, field: str) -> Key:
    if line.startswith("ssh-dss "):
        raise Invalid({field: "DSA keys are refused as too weak: use Ed25519."})
    try:
        key = load_ssh_public_key(line.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise Invalid({field: "This is no public key that can be read: use Ed25519, ECDSA or RSA."}) from None
    if not isinstance(key, Key):
        raise Invalid({field: "Use an Ed25519, ECDSA or RSA key."})
    return key


def _judge_rsa(key: rsa.RSAPublicKey, field: str) -> None:
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS or key.public_numbers().e < MIN_RSA_EXPONENT:
        raise Invalid({field: f"RSA of {key.key_size} bits: use Ed25519, or RSA of 3072 to 4096 bits."})
