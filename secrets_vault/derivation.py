"""Keys from keys: HKDF with SHA-512 (RFC 5869), one label for each use."""

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from secrets_vault.binding import encode

_MINIMUM_SECRET_BYTES: Final = 32
_ITEM_KEY_BYTES: Final = 32
_PAYLOAD_KEY_BYTES: Final = 32
_DERIVE: Final = b"bulkhead derive 1"
_SHA512: Final = hashes.SHA512()


def extract_and_expand(secret: bytes, info: bytes, length: int) -> bytes:
    """The whole of HKDF, without a salt, for secrets from outside: the environment's, a key file's, a key service's."""
    return HKDF(_SHA512, length, None, info).derive(secret)


def extract_and_expand_into(secret: bytes, info: bytes, buffer: memoryview) -> None:
    """The same, as many bytes as the buffer has."""
    HKDF(_SHA512, len(buffer), None, info).derive_into(secret, buffer)


def payload_key(item_key: bytes, binding: bytes) -> tuple[AESGCM, bytes]:
    """An item's payload key and its commitment, 32 bytes: the halves of HKDF-Expand(item key, binding, 64).

    Extraction makes a uniform key of a secret that isn't one. An item key is uniform already, drawn by `seal` itself,
    and for such a key the RFC lets extraction be skipped (section 3.3). What remains is HMAC as a PRF in feedback mode,
    a KDF of NIST SP 800-108, which asks for a key of the strength aimed at: 256 bits. (The RFC's "at least HashLen" is
    what extraction would have put out.) HMAC pads a key with zeros, so keys of several lengths could be one key and the
    commitment would not bind: hence exactly 32 bytes, or ValueError.

    One block is HMAC(item key, binding ‖ 1) (section 2.3). `HKDF.extract` is HMAC(salt, input) (section 2.2) and the
    library's fastest way to it: every open pays for this.
    """
    if len(item_key) != _ITEM_KEY_BYTES:
        raise ValueError("an item key has 32 bytes")
    output = HKDF.extract(_SHA512, item_key, binding + b"\x01")
    return AESGCM(output[:_PAYLOAD_KEY_BYTES]), output[_PAYLOAD_KEY_BYTES:]


def derive(secret: bytes, label: str, *parts: str, length: int = 32) -> bytes:
    """`length` bytes for the use that `label` and `parts` name; other names or lengths give unrelated bytes.

    The length is part of the name because plain HKDF gives prefixes of one stream for different lengths.
    Raises ValueError for a secret under 32 bytes, an empty label, or a length that isn't from 16 to 16,320.
    """
    if len(secret) < _MINIMUM_SECRET_BYTES:
        raise ValueError("a secret to derive from has at least 32 bytes")
    if not label:
        raise ValueError("a derivation has a label")
    if not 16 <= length <= 255 * 64:  # noqa: PLR2004 - 128 bits of security; RFC 5869's limit of 255 blocks
        raise ValueError("a derived key has 16 to 16,320 bytes")
    names = (label.encode(), *(part.encode() for part in parts))
    return extract_and_expand(secret, encode(_DERIVE, length.to_bytes(8, "big"), *names), length)
