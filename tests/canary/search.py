"""Look for a secret in bytes, however it may have been written there."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote


def spellings(secret: bytes) -> dict[str, bytes]:
    """Return the secret raw, as hex, URL-encoded, JSON-escaped, and as base64 at each of its three alignments."""
    found = {
        "raw": secret,
        "hex": secret.hex().encode(),
        "HEX": secret.hex().upper().encode(),
        "url": quote(secret, safe="").encode(),
        "utf-16": secret.decode("latin-1").encode("utf-16-le"),
    }
    for shift in range(3):
        # What precedes the secret is unknown: only the characters that depend on the secret alone are looked for.
        encoded = base64.b64encode(bytes(shift) + secret)
        settled = encoded[-(-shift * 8 // 6) : len(encoded) - 4]
        found[f"base64+{shift}"] = settled
        found[f"base64url+{shift}"] = settled.replace(b"+", b"-").replace(b"/", b"_")
    return found


@dataclass
class Search:
    """Secrets to look for by name, and where each was found."""

    secrets: dict[str, bytes]
    found: set[tuple[str, str, str]] = field(default_factory=set)
    searched: int = 0

    def look(self, place: str, content: bytes) -> None:
        self.searched += len(content)
        for name, secret in self.secrets.items():
            for spelling, needle in spellings(secret).items():
                if needle in content:
                    self.found.add((name, spelling, place))

    def look_in_files(self, directory: Path, *, except_for: frozenset[str] = frozenset()) -> None:
        for path in sorted(_files(directory)):
            if path.name not in except_for:
                self.look(str(path.relative_to(directory)), path.read_bytes())


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())
