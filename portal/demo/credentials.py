"""The secrets of one stack: made on its first start, kept in its directory, readable by its owner alone."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path


def _password() -> str:
    return secrets.token_urlsafe(32)  # safe in a URL and in a configuration file


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True)
class Credentials:
    """Passwords (URL-safe text) of the servers and keys (base64, 32 bytes) of the portal; `repr` shows none."""

    administrator: str = field(default_factory=_password, repr=False)
    owner: str = field(default_factory=_password, repr=False)
    provisioner: str = field(default_factory=_password, repr=False)
    web: str = field(default_factory=_password, repr=False)
    worker: str = field(default_factory=_password, repr=False)
    valkey: str = field(default_factory=_password, repr=False)
    provider: str = field(default_factory=_password, repr=False)
    secret_key: str = field(default_factory=_key, repr=False)
    session_secret: str = field(default_factory=_key, repr=False)
    token_secret: str = field(default_factory=_key, repr=False)
    database_secret: str = field(default_factory=_key, repr=False)

    @classmethod
    def of(cls, path: Path) -> Credentials:
        """Read them from `path`, or make them and write them there."""
        if path.exists():
            return cls(**json.loads(path.read_text()))
        made = cls()
        write_private(path, json.dumps(asdict(made), indent=2) + "\n")
        return made


def write_private(path: Path, content: str) -> None:
    """Write a file that nobody else could read at any moment (0600), complete or not at all."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    draft.replace(path)
