"""What the text of a private key shows before a parser sees it: one block, of which kind, and how much is in it.

What is judged here has to be what the parser takes, so a text is one block from its first byte to its last.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final

OPENSSH: Final = "OPENSSH PRIVATE KEY"
PKCS8: Final = "PRIVATE KEY"

_BLOCK: Final = re.compile(
    rb"-----BEGIN (?P<label>(?:OPENSSH |RSA |EC )?PRIVATE KEY)-----\n"
    rb"(?P<headers>(?:[A-Za-z-]+: [ -~]*\n)*)\n?"
    rb"(?P<body>[A-Za-z0-9+/=\n]+)\n-----END (?P=label)-----\n"
)
# Their headers name a cipher and its start, with nothing that costs time. No other kind has any.
_WITH_HEADERS: Final = ("RSA PRIVATE KEY", "EC PRIVATE KEY")
_MARK: Final = re.compile(rb"-----(?:BEGIN|END) [A-Z0-9 ]+-----")

_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_IDENTIFIER: Final = 0x06
_LONG: Final = 0x80


@dataclass(frozen=True, slots=True)
class Block:
    label: str
    packed: bytes


def packed_size(raw: bytes) -> int:
    """Return how many bytes all that is not a mark may hold, wherever it stands."""
    return len(b"".join(_MARK.sub(b"", raw).split())) * 3 // 4


def block(raw: bytes) -> Block:
    """Raise ValueError for what is not one block of a private key, or has no base64 in it."""
    found = _BLOCK.fullmatch(raw)
    if found is None:
        raise ValueError("it is no block")
    label = found["label"].decode()
    if found["headers"] and label not in _WITH_HEADERS:
        raise ValueError("it has headers")
    return Block(label, base64.b64decode(found["body"]))


def algorithm(packed: bytes) -> bytes:
    """Return the object identifier of a key's algorithm, as DER has it (PKCS #8, RFC 5958, section 2).

    Raises ValueError for what is no such structure.
    """
    key = _content(packed, _SEQUENCE)[0]
    after_version = _content(key, _INTEGER)[1]
    return _content(_content(after_version, _SEQUENCE)[0], _IDENTIFIER)[0]


def _content(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return what is inside the first value, which must have this tag, and what stands behind it (X.690, 8.1)."""
    if len(data) < 2 or data[0] != tag:  # noqa: PLR2004 - a tag and a length
        raise ValueError("it is another structure")
    start, length = 2, data[1]
    if length >= _LONG:
        start += length - _LONG
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        raise ValueError("it ends too early")
    return data[start : start + length], data[start + length :]
