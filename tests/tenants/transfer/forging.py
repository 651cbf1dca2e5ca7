"""Archives as somebody would forge them who has the recipient's public key and a tenant's keys: the worst source."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secrets_vault import open_from, seal_to
from tenants.transfer import read_private, read_public


@dataclass
class Forgery:
    """An archive taken apart; `written` puts it together again, with digests, sizes and seal that fit."""

    manifest: dict[str, Any]
    parts: dict[str, bytes]
    key: Path

    def table(self, name: str) -> dict[str, Any]:
        (found,) = (table for table in self.manifest["tables"] if table["name"] == name)
        return dict(found)

    def lines(self, name: str) -> list[list[str]]:
        return [line.split("\t") for line in self.parts[f"tables/{name}.copy"].decode().splitlines()]

    def put(self, name: str, lines: list[list[str]]) -> None:
        self.parts[f"tables/{name}.copy"] = b"".join("\t".join(line).encode() + b"\n" for line in lines)

    def change(self, name: str, column: str, value: str) -> None:
        """Set the column of every row of a table."""
        index, lines = self.table(name)["columns"].index(column), self.lines(name)
        for line in lines:
            line[index] = value
        assert lines
        self.put(name, lines)

    def written(self, *, seal: bool = True) -> bytes:
        for table in self.manifest["tables"]:
            content = self.parts.get(f"tables/{table['name']}.copy", b"")
            table.update(rows=content.count(b"\n"), bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        before, self.parts["manifest.json"] = self.parts["manifest.json"], json.dumps(self.manifest).encode()
        if seal:
            public = read_public(self.key.with_name("recipient.pub"))
            tenant = json.loads(before)["tenant"]
            payload = open_from(read_private(self.key), _context(before, tenant), self.parts["keys"])
            self.parts["keys"] = seal_to(public, _context(self.parts["manifest.json"], tenant), payload)
        return tar(self.parts.items())


def _context(manifest: bytes, tenant: str) -> dict[str, str]:
    digest = hashlib.sha256(manifest).hexdigest()
    return {"format": "bulkhead-tenant-1", "manifest": digest, "purpose": "tenant key handover", "tenant": tenant}


def tar(parts: Any, *, spoil: Callable[[tarfile.TarInfo], None] = lambda _: None, of: str = "") -> bytes:
    """Return a tar file as Python's own library writes it, but exactly two blocks at its end."""
    written = io.BytesIO()
    for name, content in parts:
        information = tarfile.TarInfo(name)
        information.size, information.mode = len(content), 0o600
        if name == of:
            spoil(information)
        written.write(information.tobuf(tarfile.GNU_FORMAT))
        if information.isreg():
            written.write(content + bytes(-len(content) % 512))
    return written.getvalue() + bytes(1024)


def taken_apart(path: Path, key: Path) -> Forgery:
    with tarfile.open(path) as archive:
        parts = {name: _content(archive, name) for name in archive.getnames()}
    return Forgery(json.loads(parts["manifest.json"]), parts, key)


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None
    return member.read()
