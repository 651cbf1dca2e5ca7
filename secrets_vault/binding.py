"""Associated data: where a ciphertext belongs, as bytes that can be read in one way only.

Each field is preceded by its length as 8-byte big-endian, so ("ab", "c") and ("a", "bc") never encode alike, however
many fields there are. The first field is always a label that says which layer the bytes belong to, so that associated
data made for one layer is never valid at another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

_MAXIMUM_VERSION = 2**63 - 1  # PostgreSQL's bigint


@dataclass(frozen=True, slots=True, init=False)
class Place:
    """Where a secret lives: `purpose` names table and column, `item` the row, `version` the value's version in the row.

    A blob sealed at one place opens at no other. `tenant` and `item` compare alike as UUID and as its canonical text.
    `encoded` is tenant, purpose, item and version as four fields of `encode`.
    Raises ValueError for an empty field or a version below 0.
    """

    tenant: str
    purpose: str
    item: str
    version: int
    encoded: bytes = field(init=False, repr=False, compare=False)  # so that a replaced field is encoded anew

    def __init__(self, tenant: UUID | str, purpose: str, item: UUID | str, version: int) -> None:
        if not (tenant and purpose and item):
            raise ValueError("a place names its tenant, its purpose and its item")
        if not 0 <= version <= _MAXIMUM_VERSION:
            raise ValueError("a place's version counts from 0 to 2**63 - 1")
        tenant, item, put = str(tenant), str(item), object.__setattr__
        put(self, "tenant", tenant)
        put(self, "purpose", purpose)
        put(self, "item", item)
        put(self, "version", version)
        put(self, "encoded", _column(tenant, purpose) + encode(item.encode(), version.to_bytes(8, "big")))


@lru_cache(maxsize=1024)
def _column(tenant: str, purpose: str) -> bytes:
    """The first two fields, which all items of a column have in common."""
    return encode(tenant.encode(), purpose.encode())


def encode(*fields: bytes) -> bytes:
    """Length-prefix and join: injective over lists of fields, and encode(a) + encode(b) is encode(a, b)."""
    return b"".join([len(field).to_bytes(8, "big") + field for field in fields])


def encode_version(version: int) -> bytes:
    """A key version, 4 bytes, as one field."""
    return encode(version.to_bytes(4, "big"))


def encode_context(context: Mapping[str, str]) -> bytes:
    """A key service's or a recipient's context: names and values in the order of the names."""
    if not isinstance(context, Mapping):
        raise TypeError("a context maps names to values, both text")
    return encode(*(part.encode() for pair in sorted(context.items()) for part in pair))
