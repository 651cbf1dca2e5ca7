"""A sealed value as bytes. Integers are big-endian and unsigned.

    offset  bytes
         0      4   magic "BHSV"                                                                              ┐
         4      1   format: 1                                                                                 │ kind
         5      1   algorithm: 1 = AES-256-GCM for both layers, HKDF-SHA-512 for payload key and commitment   ┘
         6     16   key id         ┐
        22      4   key version    │ the tenant key that wraps the item key: replaced by a rewrap
        26     12   nonce          │
        38     48   item key, tag  ┘
        86      4   origin version ┐
        90     32   commitment     │
       122     12   nonce          │ the value: never changed while it lives
       134      4   length n       │
       138      n   ciphertext,tag ┘

The origin version is that of the tenant key when the value was sealed. The payload is bound to it and not to the key
version of the day, so that rewrapping leaves the payload as it is; and a value born after a compromised key version is
known to be out of its reach. The ciphertext is the plaintext's length and 16 bytes: lengths are not hidden.
"""

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from secrets_vault import aead
from secrets_vault.errors import BadCiphertext

MAGIC: Final = b"BHSV"
FORMAT: Final = 1
AES_256_GCM: Final = 1
SUITE: Final = bytes([FORMAT, AES_256_GCM])
KIND: Final = MAGIC + SUITE  # the one kind there is so far: others are refused
ALGORITHMS: Final = {AES_256_GCM: "AES-256-GCM, HKDF-SHA-512"}
MAXIMUM_PLAINTEXT: Final = 64 * 2**20  # a blob is opened whole, in memory; callers' own limits are far below

Header = tuple[bytes, bytes, int, bytes, bytes, int, bytes, bytes, int]  # the fields of Blob but the last

_HEADER: Final = struct.Struct(">6s16sI12s48sI32s12sI")
HEAD_BYTES: Final = _HEADER.size  # everything before the ciphertext
_MINIMUM_BYTES: Final = HEAD_BYTES + aead.TAG_BYTES
# What a rewrap replaces, and the key version in it: for a database that looks for old wrappings and changes them there.
WRAPPING: Final = slice(6, 86)
KEY_VERSION: Final = slice(22, 26)


@dataclass(frozen=True, slots=True)
class BlobHeader:
    """What a blob says of itself, in clear and not yet authenticated: good for finding work, not for trusting it."""

    format: int
    algorithm: str
    key_id: str
    key_version: int
    origin_version: int
    plaintext_bytes: int


def split(data: bytes) -> tuple[Header, bytes]:
    """Header and ciphertext. Raises BadCiphertext for unknown values, missing bytes and bytes left over."""
    if len(data) < _MINIMUM_BYTES:
        raise BadCiphertext
    header: Header = _HEADER.unpack_from(data)
    if header[0] != KIND or header[8] != len(data) - HEAD_BYTES:
        raise BadCiphertext
    return header, data[HEAD_BYTES:]


class Blob(NamedTuple):
    """The fields of a blob, in the order of the bytes."""

    kind: bytes
    key_id: bytes
    key_version: int
    wrap_nonce: bytes
    wrapped: bytes
    origin_version: int
    commitment: bytes
    nonce: bytes
    length: int
    ciphertext: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a blob. Raises BadCiphertext as `split` does."""
        header, ciphertext = split(data)
        return cls(*header, bytes(ciphertext))

    @classmethod
    def parse_head(cls, head: bytes) -> Self:
        """Read the first HEAD_BYTES of a blob. Raises BadCiphertext for unknown values and another number of bytes."""
        if len(head) != HEAD_BYTES or not head.startswith(KIND):
            raise BadCiphertext
        header: Header = _HEADER.unpack(head)
        return cls(*header, b"")

    def pack(self) -> bytes:
        return _HEADER.pack(*self[:-1]) + self.ciphertext

    def header(self) -> BlobHeader:
        return BlobHeader(
            format=self.kind[4],
            algorithm=ALGORITHMS[self.kind[5]],
            key_id=self.key_id.hex(),
            key_version=self.key_version,
            origin_version=self.origin_version,
            plaintext_bytes=self.length - aead.TAG_BYTES,
        )
