"""Private keys: made here, or read with a stated reason for whatever is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from tenants.errors import Invalid
from tenants.ssh_formats import armour, container
from tenants.ssh_formats.container import Container
from tenants.ssh_formats.public import MAX_RSA_BITS, MIN_RSA_BITS, blob_of, fingerprint, line_of
from tenants.ssh_formats.soundness import sound

MAX_BYTES: Final = 16 * 1024  # judged before anything is parsed
MAX_PACKED_BYTES: Final = 4096  # of any key up to RSA 4096: larger ones cost seconds only to be looked at
MAX_ROUNDS: Final = 64  # of bcrypt; ssh-keygen takes 16 or 24 unless told otherwise
CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)

PrivateKey = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

# Of PKCS #8. The parser looks for primes in what a Diffie-Hellman key brings, and can't be told not to.
_ALGORITHMS: Final = frozenset(
    bytes.fromhex(identifier) for identifier in ("2a864886f70d010101", "2a8648ce3d0201", "2b6570")
)  # RSA, elliptic curves, Ed25519

# On one line, and without what would turn a line of text around for whoever reads it.
_COMMENT: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]{0,200}")


class Algorithm(StrEnum):
    """What can be made here; RSA for hosts that take nothing newer."""

    ED25519 = "ed25519"
    RSA_4096 = "rsa-4096"


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


def generate(comment: str, algorithm: Algorithm = Algorithm.ED25519) -> KeyPair:
    if algorithm is Algorithm.ED25519:
        return _pair(ed25519.Ed25519PrivateKey.generate(), comment, passphrase_protected=False)
    return _pair(rsa.generate_private_key(65537, MAX_RSA_BITS), comment, passphrase_protected=False)


def read(text: str, passphrase: str, field: str = "private_key") -> KeyPair:
    """Return the key pair. Raises Invalid, with the reason, for what is no key, too weak or not wanted."""
    raw = "\n".join(line.strip() for line in text.strip().split("\n")).encode(errors="replace") + b"\n"
    if len(raw) > MAX_BYTES:
        raise Invalid({field: "An SSH key is at most 16 KiB."})
    held = _recognise(raw, field)
    key = _load(raw, passphrase, field)
    if isinstance(key, rsa.RSAPrivateKey) and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        what = "too weak" if key.key_size < MIN_RSA_BITS else "too large"
        raise Invalid({field: f"RSA of {key.key_size} bits is {what}: use Ed25519, or RSA of 3072 to 4096 bits."})
    if isinstance(key, rsa.RSAPrivateKey) and not sound(key):
        raise Invalid({field: "The numbers of this RSA key do not belong together, or are no RSA key's."})
    if isinstance(key, ec.EllipticCurvePrivateKey) and not isinstance(key.curve, CURVES):
        raise Invalid({field: f"SSH does not know the curve {key.curve.name}: use Ed25519 or a NIST curve."})
    if not isinstance(key, PrivateKey):
        raise _another(field)
    if held is not None and held.public != blob_of(key.public_key()):
        raise _mismatched(field)
    return _pair(key, _comment(held, field), passphrase_protected=bool(passphrase))


def _recognise(raw: bytes, field: str) -> Container | None:
    """Refuse what the text alone tells. Return what OpenSSH's format shows; None for PEM, where the parser tells."""
    if raw.startswith((b"ssh-", b"ecdsa-", b"sk-")):
        raise Invalid({field: "This is a public key or certificate: paste the private key (BEGIN … PRIVATE KEY)."})
    if b"PRIVATE KEY-----" not in raw[:64]:
        raise Invalid({field: "Paste a private key in OpenSSH or PEM format, with its BEGIN and END lines."})
    if b"-----BEGIN DSA PRIVATE KEY-----" in raw:
        raise _weak(field)
    if b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in raw:
        # PKCS #8 lets its author choose how many seconds and gigabytes opening it takes.
        raise Invalid({field: "Convert this protected PEM key to OpenSSH's own format first: ssh-keygen -p -f FILE"})
    if armour.packed_size(raw) > MAX_PACKED_BYTES:
        raise Invalid({field: "This key is larger than RSA of 4096 bits: use Ed25519, or RSA of 3072 to 4096 bits."})
    try:
        block = armour.block(raw)
        foreign = block.label == armour.PKCS8 and armour.algorithm(block.packed) not in _ALGORITHMS
        held = container.parse(block.packed) if block.label == armour.OPENSSH else None
    except ValueError:
        raise _unreadable(field, "complete, with its BEGIN and END lines") from None
    if foreign:
        raise _another(field)
    if held is not None:
        _judge(held, field)
    return held


def _judge(held: Container, field: str) -> None:
    if held.kind.startswith("sk-"):
        raise Invalid({field: "This key lives in a hardware token (sk-): its private half can't leave the token."})
    if "-cert-v01@" in held.kind:
        raise Invalid({field: "This is a certificate: paste the plain private key that it was issued for."})
    if held.kind == "ssh-dss":
        raise _weak(field)
    if held.rounds > MAX_ROUNDS:
        raise Invalid({field: f"Its passphrase is stretched too far: first ssh-keygen -p -a {MAX_ROUNDS} -f FILE"})
    if not held.halves_match:
        raise _mismatched(field)


def _comment(held: Container | None, field: str) -> str:
    """Return the comment inside; a PEM key has none, and under a passphrase it is not read."""
    comment = ((held and held.comment) or b"").decode(errors="replace")
    if not _COMMENT.fullmatch(comment):
        hint = "first ssh-keygen -c -C COMMENT -f FILE"
        raise Invalid({field: f"Its comment has a line break, a control character or over 200 characters: {hint}"})
    return comment


def _weak(field: str) -> Invalid:
    return Invalid({field: "DSA keys are refused as too weak: use Ed25519."})


def _another(field: str) -> Invalid:
    return Invalid({field: "Use an Ed25519, ECDSA or RSA key; DSA and others are refused as too weak."})


def _mismatched(field: str) -> Invalid:
    return Invalid({field: "The public and the private half of this key do not belong together."})


def _unreadable(field: str, what: str) -> Invalid:
    return Invalid({field: f"This is no private key that can be read, {what}."})


def _load(raw: bytes, passphrase: str, field: str) -> object:
    load = load_ssh_private_key if b"BEGIN OPENSSH PRIVATE KEY" in raw[:64] else load_pem_private_key
    try:
        # `sound` judges an RSA key instead, in a time that the key does not choose.
        return load(raw, passphrase.encode() or None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        problem = "wants no passphrase: leave it empty" if passphrase else "is protected: enter its passphrase"
        raise Invalid({"passphrase": f"This key {problem}."}) from None
    except UnsupportedAlgorithm:
        raise Invalid({field: "Use an Ed25519, ECDSA or RSA key; this kind is not supported."}) from None
    except (ValueError, ZeroDivisionError):  # the latter of a factor that is 1
        what = "or the passphrase is wrong" if passphrase else "complete, with its BEGIN and END lines"
        raise _unreadable(field, what) from None


def _pair(key: PrivateKey, comment: str, *, passphrase_protected: bool) -> KeyPair:
    line = line_of(key.public_key())
    return KeyPair(
        private=key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        public=f"{line} {comment}".strip(),
        kind=line.partition(" ")[0],
        bits=256 if isinstance(key, ed25519.Ed25519PrivateKey) else key.key_size,
        fingerprint=fingerprint(blob_of(key.public_key())),
        comment=comment,
        passphrase_protected=passphrase_protected,
    )
