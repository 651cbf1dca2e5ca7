"""What OpenSSH's private key format shows before anything is decrypted or computed (OpenSSH, PROTOCOL.key)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"openssh-key-v1\0"

# How many strings of a private key stand between its type and its comment.
_FIELDS: Final = {b"ssh-ed25519": 2, b"ssh-rsa": 6}
_ECDSA_FIELDS: Final = 3


class Reader:
    """Takes SSH's data types (RFC 4251, section 5) off the front of some bytes. Raises ValueError where they end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        taken = self._data[self._at : self._at + length]
        if len(taken) != length:
            raise ValueError("it ends too early")
        self._at += length
        return taken

    def number(self) -> int:
        return int(struct.unpack(">I", self.take(4))[0])

    def string(self) -> bytes:
        return self.take(self.number())

    def strings(self) -> list[bytes]:
        """Return all that is left."""
        found = []
        while self._at < len(self._data):
            found.append(self.string())
        return found


@dataclass(frozen=True, slots=True)
class Container:
    """`comment` is None where the passphrase covers it; so are the halves, and `halves_match` is then not known."""

    kind: str
    public: bytes
    rounds: int  # of bcrypt that opening it takes
    comment: bytes | None = None
    halves_match: bool = True


def parse(packed: bytes) -> Container:
    """Raise ValueError for what is no such container."""
    reader = Reader(packed)
    if reader.take(len(MAGIC)) != MAGIC:
        raise ValueError("it is no OpenSSH key")
    cipher, derivation, options = reader.string(), reader.string(), Reader(reader.string())
    reader.number()  # of keys: the package refuses all but one
    public, private = reader.string(), reader.string()
    rounds = 0
    if derivation == b"bcrypt":
        options.string()
        rounds = options.number()
    kind, *shown = Reader(public).strings()
    name = kind.decode("ascii")  # what is not ASCII raises a ValueError too
    known = _FIELDS.get(kind, _ECDSA_FIELDS if kind.startswith(b"ecdsa-sha2-") else None)
    if cipher != b"none" or known is None:
        return Container(name, public, rounds)
    opened = Reader(private)
    opened.take(8)  # the two check numbers
    inner, fields = opened.string(), [opened.string() for _ in range(known)]
    return Container(name, public, rounds, opened.string(), halves_match=inner == kind and set(shown) <= set(fields))
