"""Sealing to a recipient's public key: HPKE (RFC 9180, base mode, one message a key) with a hybrid KEM.

Suite: MLKEM768-X25519 (draft-ietf-hpke-pq, the same KEM as X-Wing), HKDF-SHA256, ChaCha20Poly1305: safe while either
ML-KEM-768 or X25519 is. It is the AEAD that the published vectors of this KEM use, and the suite of age's hybrid keys.

    public key   "BHPK" │ 1 │ suite (6) │ ML-KEM-768 public key (1184) │ X25519 public key (32)
    private key  "BHSK" │ 1 │ suite (6) │ seed (32)
    sealed       "BHHS" │ 1 │ suite (6) │ recipient (32) │ encapsulated key (1120) │ ciphertext, tag
                 magic    └ format

The suite is the three identifiers of RFC 9180's registry, two bytes each. The seed expands by SHAKE256 to the seeds of
both halves, as the draft has it. The recipient is the SHA-256 of the public key. HPKE's `info` is a label, the header
with the recipient, and the caller's context, all length-prefixed; it enters the key schedule, so a sealed message that
was moved to another context, header or recipient yields an unrelated key. Base mode says nothing about who sealed.
"""

import hashlib
import os
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from secrets_vault.binding import encode, encode_context
from secrets_vault.errors import BadCiphertext, BadKey
from secrets_vault.opaque import Secret

_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_KIND: Final = b"\x01" + bytes.fromhex("647a00010003")  # format; KEM 0x647a, KDF 1, AEAD 3
_PUBLIC: Final = b"BHPK" + _KIND
_PRIVATE: Final = b"BHSK" + _KIND
_SEALED: Final = b"BHHS" + _KIND
_LABEL: Final = b"bulkhead hpke"
_BAD_PUBLIC_KEY: Final = "the public key is malformed or of an unknown kind"
_SEED_BYTES: Final = 32
_MLKEM_SEED_BYTES: Final = 64
_MLKEM_BYTES: Final = 1184
_X25519_BYTES: Final = 32
_HEADER_BYTES: Final = len(_SEALED) + 32


def new_sealing_key() -> tuple[bytes, bytes]:
    """A fresh key pair: private key (43 bytes; keep it sealed) and public key (1,227 bytes)."""
    seed = Secret(os.urandom(_SEED_BYTES))
    return _PRIVATE + seed.reveal(), _serialise_public(*_halves(seed))


def seal_to(public_key: bytes, context: Mapping[str, str], plaintext: bytes) -> bytes:
    """Encrypt for the holder of the private key alone. Raises BadKey if the public key is malformed."""
    header = _SEALED + hashlib.sha256(public_key).digest()
    recipient, info = _load_public(public_key), _info(header, context)
    try:
        return header + _SUITE.encrypt(plaintext, recipient, info=info)
    except ValueError:  # a point of low order: X25519 would agree on zero with anybody
        raise BadKey(_BAD_PUBLIC_KEY) from None


def open_from(private_key: bytes, context: Mapping[str, str], sealed: bytes) -> bytes:
    """The plaintext. Raises BadCiphertext for everything that does not open, BadKey if the private key is malformed."""
    halves = _halves(_load_seed(Secret(private_key)))
    header, body = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:]
    if header != _SEALED + hashlib.sha256(_serialise_public(*halves)).digest():
        raise BadCiphertext
    try:
        return _SUITE.decrypt(body, MLKEM768X25519PrivateKey(*halves), info=_info(header, context))
    except (InvalidTag, ValueError):
        raise BadCiphertext from None


def _info(header: bytes, context: Mapping[str, str]) -> bytes:
    return encode(_LABEL, header, encode_context(context))


def _halves(seed: Secret) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    expanded = Secret(hashlib.shake_256(seed.reveal()).digest(_MLKEM_SEED_BYTES + _X25519_BYTES))
    return (
        MLKEM768PrivateKey.from_seed_bytes(expanded.reveal()[:_MLKEM_SEED_BYTES]),
        X25519PrivateKey.from_private_bytes(expanded.reveal()[_MLKEM_SEED_BYTES:]),
    )


def _serialise_public(mlkem: MLKEM768PrivateKey, x25519: X25519PrivateKey) -> bytes:
    return _PUBLIC + mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def _load_public(public_key: bytes) -> MLKEM768X25519PublicKey:
    prefix, rest = public_key[: len(_PUBLIC)], public_key[len(_PUBLIC) :]
    if prefix != _PUBLIC or len(rest) != _MLKEM_BYTES + _X25519_BYTES:
        raise BadKey(_BAD_PUBLIC_KEY)
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(rest[:_MLKEM_BYTES]),
            X25519PublicKey.from_public_bytes(rest[_MLKEM_BYTES:]),
        )
    except ValueError:
        raise BadKey(_BAD_PUBLIC_KEY) from None


def _load_seed(private_key: Secret) -> Secret:
    seed = Secret(private_key.reveal()[len(_PRIVATE) :])
    if not private_key.reveal().startswith(_PRIVATE) or len(seed.reveal()) != _SEED_BYTES:
        raise BadKey("the private key is malformed or of an unknown kind")
    return seed
