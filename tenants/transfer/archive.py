"""The archive: a tar file of which one form exists, so that reading it takes no trust.

    tables/<table>.copy …    PostgreSQL's COPY text format, UTF-8
    manifest.json            what the tables are, with their digests
    keys                     the tenant's keys, sealed to the recipient

Any `tar` lists and unpacks it. Our own reader takes a header only if it is, byte for byte, the one that our writer
would write for that name and size: links, devices, sparse files, extension headers, absolute and climbing paths
have no such header and are refused before their content is looked at.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Final

from tenants.transfer.errors import BadArchive

MANIFEST: Final = "manifest.json"
KEYS: Final = "keys"
CHUNK: Final = 256 * 1024
_BLOCK: Final = tarfile.BLOCKSIZE
_NAME: Final = re.compile(r"tables/[a-z_]{1,60}\.copy|manifest\.json|keys")
_MAXIMUM_PARTS: Final = 200


def member_of(table: str) -> str:
    return f"tables/{table}.copy"


def _header(name: str, size: int) -> bytes:
    information = tarfile.TarInfo(name)
    information.size, information.mode = size, 0o600
    return information.tobuf(tarfile.GNU_FORMAT)  # sizes above 8 GiB in one header block


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


class Growing:
    """A member being written: `write` as often as it takes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest = file, hashlib.sha256()
        self.size = self.lines = 0

    def write(self, chunk: bytes | memoryview) -> None:
        self._file.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)
        self.lines += bytes(chunk).count(b"\n")

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class Writer:
    """Writes members one after the other into a seekable file, whose sizes nobody knows beforehand."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @contextmanager
    def member(self, name: str) -> Iterator[Growing]:
        start = self._file.tell()
        self._file.write(bytes(_BLOCK))
        growing = Growing(self._file)
        yield growing
        self._file.write(_padding(growing.size))
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(_header(name, growing.size))
        self._file.seek(end)

    def finish(self) -> None:
        self._file.write(bytes(2 * _BLOCK))


@dataclass(frozen=True, slots=True)
class Part:
    """A member of an archive that was read through once."""

    name: str
    offset: int
    size: int
    sha256: str

    def chunks(self, file: IO[bytes]) -> Iterator[bytes]:
        """Yield the content again. Raises BadArchive if it is not what was read before."""
        file.seek(self.offset)
        digest, left = hashlib.sha256(), self.size
        while left:
            chunk = file.read(min(CHUNK, left))
            if not chunk:
                break
            left -= len(chunk)
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != self.sha256:
            raise BadArchive(self.name, "it changed while it was being read")

    def content(self, file: IO[bytes], *, at_most: int) -> bytes:
        if self.size > at_most:
            raise BadArchive(self.name, f"it has {self.size:,} bytes, where {at_most:,} is the most")
        return b"".join(self.chunks(file))


def scan(file: IO[bytes]) -> list[Part]:
    """Read the whole file; return its members in their order. Raises BadArchive."""
    total = file.seek(0, 2)
    file.seek(0)
    parts: list[Part] = []
    while (block := _read(file, _BLOCK, "the archive")) != bytes(_BLOCK):
        part = _part(file, block, total)
        if any(part.name == other.name for other in parts):
            raise BadArchive(part.name, "it occurs twice")
        parts.append(part)
        if len(parts) > _MAXIMUM_PARTS:
            raise BadArchive("the archive", "it has more parts than any tenant has tables")
    if _read(file, _BLOCK, "the archive") != bytes(_BLOCK) or file.tell() != total:
        raise BadArchive("the archive", "something follows its end")
    return parts


def _part(file: IO[bytes], block: bytes, total: int) -> Part:
    try:
        claimed = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        canonical = _header(claimed.name, claimed.size) if claimed.size >= 0 else b""
    except (tarfile.TarError, ValueError):
        raise BadArchive("the archive", "a header is damaged, or none of this format's") from None
    shown = ascii(claimed.name[:80])
    if not _NAME.fullmatch(claimed.name):
        raise BadArchive("the archive", f"it holds {shown}, which is no part of this format")
    if block != canonical:
        raise BadArchive("the archive", f"{shown} is not a plain file as this format has it")
    offset = file.tell()
    if claimed.size > total - offset:
        raise BadArchive(claimed.name, "the archive ends before it does: it is truncated, or its size is a lie")
    digest, left = hashlib.sha256(), claimed.size
    while left:
        chunk = _read(file, min(CHUNK, left), claimed.name)
        digest.update(chunk)
        left -= len(chunk)
    padding = _padding(claimed.size)
    if _read(file, len(padding), claimed.name) != padding:
        raise BadArchive(claimed.name, "something is hidden behind it")
    return Part(claimed.name, offset, claimed.size, digest.hexdigest())


def _read(file: IO[bytes], size: int, part: str) -> bytes:
    chunk = file.read(size)
    if len(chunk) != size:
        raise BadArchive(part, "the archive is truncated")
    return chunk
