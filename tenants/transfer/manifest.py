"""The manifest: what is in an archive, in JSON that anybody can read and only one parser has to trust.

Its SHA-256 is bound into the seal of the keys, and it names the SHA-256 of every table: a byte changed anywhere, and
the keys don't open or a digest differs.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final, NoReturn, Self

from tenants.registry.people import Provider
from tenants.roles import Role
from tenants.transfer.archive import MANIFEST
from tenants.transfer.errors import BadArchive
from tenants.transfer.values import Reader

FORMAT: Final = "bulkhead-tenant-1"
MAXIMUM_BYTES: Final = 8 * 1024 * 1024

NOT_MOVED: Final = (
    "connections to other tenants: both sides agree anew",
    "outgoing messages that were not delivered yet: they come along and are refused, since no connection is here",
    "receipts that were under way to the sender of a message",
    "access tokens, sessions, join requests",
    "retired versions of the tenant's key: their numbers alone, so that none is given away again",
)


@dataclass(frozen=True, slots=True)
class Contents:
    """One table: what the archive's part must be."""

    name: str
    columns: tuple[str, ...]
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Member:
    provider: str
    uid: str
    role: str


@dataclass(frozen=True, slots=True)
class Sealing:
    """The public half of a key that messages for the tenant are sealed to."""

    version: int
    public: str  # hexadecimal


@dataclass(frozen=True, slots=True)
class Manifest:
    format: str
    made_at: str  # ISO 8601
    source: str  # the base URL of the deployment that it was made by
    recipient: str  # the fingerprint of the key that it was made for
    tenant: str
    slug: str
    name: str
    state: str
    schema_version: str
    audit_position: int
    audit_hash: str
    tables: tuple[Contents, ...]
    members: tuple[Member, ...]
    sealing_keys: tuple[Sealing, ...]
    not_moved: tuple[str, ...] = NOT_MOVED

    def encoded(self) -> bytes:
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Raise BadArchive for anything but what `encoded` writes."""
        reader = Reader(_json(content), MANIFEST)
        return cls(
            format=_format(reader),
            made_at=reader.text("made_at", 40),
            source=reader.text("source", 200),
            recipient=reader.text("recipient", 60),
            tenant=reader.uuid("tenant"),
            slug=reader.text("slug", 40),
            name=reader.text("name", 100),
            state=reader.text("state", 16),
            schema_version=reader.text("schema_version", 100),
            audit_position=reader.integer("audit_position"),
            audit_hash=reader.digest("audit_hash"),
            tables=tuple(map(_contents, reader.objects("tables", 200))),
            members=tuple(map(_member, reader.objects("members", 40_000))),
            sealing_keys=tuple(map(_sealing, reader.objects("sealing_keys", 1000))),
            not_moved=reader.end(texts="not_moved"),
        )


def _format(reader: Reader) -> str:
    found = reader.text("format", 40)
    if found != FORMAT:
        raise BadArchive(MANIFEST, f"its format is {found!a}; this release reads {FORMAT}")
    return found


def _contents(reader: Reader) -> Contents:
    name, sha256 = reader.text("name", 63), reader.digest("sha256")
    rows, size = reader.integer("rows"), reader.integer("bytes")
    return Contents(name, reader.end(texts="columns"), rows, size, sha256)


def _member(reader: Reader) -> Member:
    member = Member(reader.one_of("provider", Provider.values), reader.uid("uid"), reader.one_of("role", list(Role)))
    reader.end()
    return member


def _sealing(reader: Reader) -> Sealing:
    sealing = Sealing(reader.integer("version"), reader.hexadecimal("public", 4000))
    reader.end()
    return sealing


def _json(content: bytes) -> Any:
    try:
        return json.loads(content.decode(), object_pairs_hook=_once, parse_constant=_refuse, parse_float=_refuse)
    except (ValueError, RecursionError):
        raise BadArchive(MANIFEST, "it is not the JSON of this format") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name occurs twice")
    return dict(pairs)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
