"""A hash chain over audit rows: a row that is altered, removed, inserted or moved breaks every hash after it.

    hash = SHA-256( "bulkhead-audit-v1" ‖ previous (32 bytes) ‖ position (8 bytes) ‖ at_us (8 bytes)
                    ‖ length of entry (8 bytes) ‖ entry )

Integers are big-endian; `at_us`, microseconds since 1970 UTC, is signed; `entry` is the UTF-8 of the text as stored.
PostgreSQL's trigger computes the same bytes, so neither side may change alone. A chain that is cut off at its end
still verifies: compare the head with one noted elsewhere.
"""

import hashlib
import struct
from collections.abc import Iterable
from typing import Final

from secrets_vault.errors import BrokenChain

GENESIS: Final = bytes(32)

_LABEL: Final = b"bulkhead-audit-v1"
_NUMBERS: Final = struct.Struct(">QqQ")
_MAXIMUM_POSITION: Final = 2**63 - 1  # PostgreSQL's bigint

Row = tuple[int, int, bytes, bytes, bytes]
"""Position, at_us, entry, previous, hash."""


def entry_hash(previous: bytes, position: int, at_us: int, entry: bytes) -> bytes:
    """The 32-byte hash of one row. Raises ValueError for a value that has no encoding."""
    if len(previous) != len(GENESIS):
        raise ValueError("a previous hash has 32 bytes")
    if not 1 <= position <= _MAXIMUM_POSITION:
        raise ValueError("positions count from 1 to 2**63 - 1")
    if not -(2**63) <= at_us < 2**63:
        raise ValueError("a time in microseconds fits 64 bits, signed")
    return hashlib.sha256(_LABEL + previous + _NUMBERS.pack(position, at_us, len(entry)) + entry).digest()


def verify(rows: Iterable[Row]) -> bytes:
    """Follow the chain from GENESIS and return its head, GENESIS if there are no rows.

    Raises BrokenChain at the first row that is missing, repeated, out of order, altered or linked elsewhere.
    """
    head = GENESIS
    for expected, (position, at_us, entry, previous, stored) in enumerate(rows, start=1):
        if position != expected:
            raise BrokenChain(expected, f"found position {position}")
        if previous != head:
            raise BrokenChain(expected, "it does not continue the row before it")
        if stored != _hash_of(previous, position, at_us, entry):
            raise BrokenChain(expected, "its hash is not that of its content")
        head = stored
    return head


def _hash_of(previous: bytes, position: int, at_us: int, entry: bytes) -> bytes:
    try:
        return entry_hash(previous, position, at_us, entry)
    except ValueError as error:
        raise BrokenChain(position, str(error)) from None
