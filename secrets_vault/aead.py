"""AES-256-GCM (NIST SP 800-38D) with 96-bit random nonces and full 128-bit tags, and nothing else.

Nobody passes a nonce in, so nobody can repeat one. Random 96-bit nonces are sound for 2**32 encryptions under one key
(SP 800-38D, 8.3). An item key encrypts once; a tenant key wraps one item key per sealed or rewrapped item, which is
counted, and the key replaced long before.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from secrets_vault.errors import BadCiphertext
from secrets_vault.opaque import Opaque

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


def cipher(material: bytes | memoryview) -> AESGCM:
    """A key ready for use; it neither shows nor pickles its material. Raises ValueError unless that has 32 bytes."""
    if len(material) != KEY_BYTES:  # AESGCM would also take 16 and 24 bytes
        raise ValueError("an AES-256 key has 32 bytes")
    return AESGCM(material)


def encrypt(key: AESGCM, plaintext: bytes, associated: bytes) -> tuple[bytes, bytes]:
    """A fresh nonce, and the ciphertext with its tag at the end."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce, key.encrypt(nonce, plaintext, associated)


def decrypt(key: AESGCM, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
    """The plaintext, or BadCiphertext."""
    if len(nonce) != NONCE_BYTES:
        raise BadCiphertext
    try:
        return key.decrypt(nonce, ciphertext, associated)
    except InvalidTag:  # also for less than a whole tag
        raise BadCiphertext from None


class Key(Opaque):
    """An AES-256 key that is kept, used for nothing but GCM. Raises ValueError unless the material has 32 bytes."""

    __slots__ = ("_cipher",)

    def __init__(self, material: bytes) -> None:
        self._cipher = cipher(material)

    def encrypt(self, plaintext: bytes, associated: bytes) -> tuple[bytes, bytes]:
        """A fresh nonce, and the ciphertext with its tag at the end."""
        return encrypt(self._cipher, plaintext, associated)

    def decrypt(self, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
        """The plaintext, or BadCiphertext."""
        return decrypt(self._cipher, nonce, ciphertext, associated)
