"""The local key file: a platform key of 256 bits in a file that its owner alone can read.

The file is one line of text: ``bulkhead-key-file-1 `` and the key in base64, then a newline.

A wrapped key:

     0        4   5   6            22         34              n
    ┌────────┬───┬───┬────────────┬──────────┬───────────────┐
    │ "BHLK" │ 1 │ 1 │ file's id  │ nonce    │ wrapped, tag  │
    └────────┴───┴───┴────────────┴──────────┴───────────────┘
      magic    │   └ algorithm: 1 = AES-256-GCM
               └ format

Associated data: a label, the first 22 bytes, the context. The file's id is derived from the key (HKDF), so a key file
that was swapped is refused by name and not by a puzzling failure.
"""

import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from secrets_vault import aead
from secrets_vault.binding import encode, encode_context
from secrets_vault.derivation import derive
from secrets_vault.errors import BadCiphertext, KeyServiceDenied
from secrets_vault.keyservice import keyfile
from secrets_vault.opaque import Opaque, Secret

_HEADER: Final = struct.Struct(">4sBB16s")
_KIND: Final = (b"BHLK", 1, 1)
_LABEL: Final = b"bulkhead local key service"


class LocalKeyService(Opaque):
    """A KeyService whose platform key lies in a file. For one machine: whoever reads the disk has the key."""

    __slots__ = ("_id", "_key")

    def __init__(self, platform_key: Secret) -> None:
        self._key = aead.Key(platform_key.reveal())
        self._id = derive(platform_key.reveal(), "local key file id", length=16)

    @classmethod
    def create(cls, path: Path | str) -> Self:
        """Make a new key file at `path`, whole or not at all. Raises FileExistsError if anything is there."""
        platform_key = Secret(os.urandom(aead.KEY_BYTES))
        keyfile.write(Path(path), platform_key)
        return cls(platform_key)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Use the key file at `path`.

        Raises KeyServiceUnavailable if it is missing or malformed, KeyServiceDenied if others could read or write it.
        """
        return cls(keyfile.read(Path(path)))

    @property
    def key_id(self) -> str:
        return f"local:{self._id.hex()}"

    def answers(self) -> bool:
        return True  # the key was read when it was opened

    def generate(self, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        material = os.urandom(aead.KEY_BYTES)
        return material, self.wrap(material, context)

    def wrap(self, plaintext: bytes, context: Mapping[str, str]) -> bytes:
        header = _HEADER.pack(*_KIND, self._id)
        nonce, ciphertext = self._key.encrypt(plaintext, encode(_LABEL, header, encode_context(context)))
        return header + nonce + ciphertext

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        header, rest = wrapped[: _HEADER.size], wrapped[_HEADER.size :]
        if len(header) < _HEADER.size or _HEADER.unpack(header)[:3] != _KIND:
            raise BadCiphertext
        if _HEADER.unpack(header)[3] != self._id:
            raise KeyServiceDenied("another key file wrapped this key")
        nonce, ciphertext = rest[: aead.NONCE_BYTES], rest[aead.NONCE_BYTES :]
        return self._key.decrypt(nonce, ciphertext, encode(_LABEL, header, encode_context(context)))
