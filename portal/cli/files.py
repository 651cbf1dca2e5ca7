"""Parameters that are files: the command finds each at a path, in memory where the system has such a place.

A directory that only this user may enter holds them, each of mode 0600. It is removed when the command has ended, and
by a shell that waits on a pipe from this process should this process be killed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from portal.cli.private import private_directory

_MEMORY: Final = "/dev/shm"  # noqa: S108 - Linux's own file system in memory; what is made there is a private directory
_GUARD: Final = 'cat; rm -rf -- "$0"'


@contextmanager
def files(contents: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Write each content to a file, and yield the paths, by name. A name is one part of a path: no slash, no dots."""
    if not contents:
        yield {}
        return
    with private_directory("bulkhead-files-", _MEMORY) as directory, _guarded(directory):
        yield {name: _write(directory / name, content) for name, content in contents.items()}


def _write(path: Path, content: str) -> str:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
        file.write(content.encode())
    return str(path)


@contextmanager
def _guarded(directory: Path) -> Iterator[None]:
    # A session of its own: what a terminal sends to the command (Ctrl-C) is not for the guard.
    quiet = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["sh", "-c", _GUARD, str(directory)], **quiet, start_new_session=True):  # type: ignore[call-overload]  # noqa: S603, S607 - fixed; any shell
        yield
