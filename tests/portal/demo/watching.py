"""Looks for the processes that a directory still has."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path


def processes_of(directory: Path) -> dict[int, str]:
    """Return pid → command of every process that works in `directory` or was told of it, by /proc."""
    found = {}
    needle = os.fsencode(directory)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            command, environment = ((entry / part).read_bytes() for part in ("cmdline", "environ"))
            where = os.fsencode((entry / "cwd").readlink())
            if needle in command or needle in environment or where.startswith(needle):
                found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def left_after(directory: Path, seconds: float) -> dict[int, str]:
    """Return what still runs when `seconds` are over; as soon as nothing does, nothing."""
    deadline = time.monotonic() + seconds
    while (left := processes_of(directory)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
