"""Keys from keys: HKDF with SHA-512 (RFC 5869), no salt, one label for each use."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from secrets_vault.binding import encode

_MINIMUM_SECRET_BYTES = 32
_DERIVE = b"bulkhead derive 1"
_SHA512 = hashes.SHA512()


def expand(secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-512 as the RFC has it. The secrets here are uniform, so the RFC asks for no salt (section 3.1)."""
    return HKDF(algorithm=_SHA512, length=length, salt=None, info=info).derive(secret)


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
    return expand(secret, encode(_DERIVE, length.to_bytes(8, "big"), *names), length)
