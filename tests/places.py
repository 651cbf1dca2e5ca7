"""Where a test run keeps its servers' data: in memory where there is room, and gone even after a killed run."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO, Final

PREFIX: Final = "bulkhead-test-"
# A tenant is some fifty files: making them costs PostgreSQL twice as much time on a disk, though nothing is synced.
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the name is made by mkdtemp
ROOM: Final = 4 << 30  # bytes; a whole run needs about one of the four
YOUNG: Final = 60.0  # seconds in which a run may be between making its directory and locking it
PATIENCE: Final = 30.0  # seconds

_locks: Final[dict[Path, IO[str]]] = {}


def make() -> Path:
    """Return a new directory, held by this process. TMPDIR, where it is set, decides where."""
    parent = _parent()
    for left in parent.glob(f"{PREFIX}*"):
        if _is_nobodys(left):
            shutil.rmtree(left, ignore_errors=True)
    directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    _locks[directory] = lock = (directory / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return directory


def remove(directory: Path) -> None:
    """Remove it, if need be again: after Ctrl-C a worker's servers may still be writing while they end."""
    deadline = time.monotonic() + PATIENCE
    while directory.exists() and time.monotonic() < deadline:
        shutil.rmtree(directory, ignore_errors=True)
        time.sleep(0.05)
    _locks.pop(directory).close()


def _parent() -> Path:
    roomy = MEMORY.is_mount() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if roomy and "TMPDIR" not in os.environ else Path(tempfile.gettempdir())


def _is_nobodys(directory: Path) -> bool:
    """Say whether the run that made it has ended: its lock is free, and it had the time to take it."""
    try:
        if time.time() - directory.stat().st_mtime < YOUNG:
            return False
        with (directory / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held; or another person's, or just removed
        return False
    return True
