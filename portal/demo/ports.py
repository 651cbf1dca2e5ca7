"""Loopback ports: the familiar ones where they are free, remembered for each directory."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below Linux' and macOS' ephemeral ranges, so that nobody's outgoing connection takes one in between.
FREE_RANGE = range(15000, 32000)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: ignores TIME_WAIT
        with contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return True
    return False


def remembered(path: Path, preferred: Mapping[str, int | None]) -> dict[str, int]:
    """Return a free port for each name: the one written in `path`, else the preferred one, else any; and write them."""
    known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    chosen: dict[str, int] = {}
    for name, wish in preferred.items():
        chosen[name] = _first_free([known.get(name), wish], taken=set(chosen.values()))
    path.write_text(json.dumps(chosen, indent=2) + "\n")
    return chosen


def _first_free(wishes: list[int | None], *, taken: set[int]) -> int:
    for port in wishes:
        if port is not None and port not in taken and is_free(port):
            return port
    while True:
        port = secrets.choice(FREE_RANGE)
        if port not in taken and is_free(port):
            return port
