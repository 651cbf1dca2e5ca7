"""Loopback ports: the familiar ones where they are free, remembered for each directory.

A server listens seconds or minutes after its port was chosen. So whoever chooses one keeps it from others that start at
the same time, until the process ends: by the UDP port of that number, which nobody else wants.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

LOOPBACK = "127.0.0.1"
# Below Linux' and macOS' ephemeral ranges, so that nobody's outgoing connection takes one in between.
FREE_RANGE = range(15000, 32000)

_kept: Final[dict[int, int]] = {}  # ports that this process has chosen, and what keeps each of them: a descriptor


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
        if port is not None and port not in taken and is_free(port) and _keep(port):
            return port
    while True:
        port = secrets.choice(FREE_RANGE)
        if port not in _kept and is_free(port) and _keep(port):
            return port


def _keep(port: int) -> bool:
    """Keep a port for this process; say whether no other one has it."""
    if port in _kept:
        return True
    with socket.socket(type=socket.SOCK_DGRAM) as claim, contextlib.suppress(OSError):
        claim.bind((LOOPBACK, port))
        _kept[port] = claim.detach()
        return True
    return False
