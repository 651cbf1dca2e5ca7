"""Directories for the time of one command, which only this user may enter, and files that only they may read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from portal.cli.failures import Code, Failure

_LONGEST: Final = 50  # characters before the directory's own name: a socket's path may have 100 bytes


@contextmanager
def private_directory(prefix: str, *others: str) -> Iterator[Path]:
    """Yield a new directory, in the first that can be written to of XDG_RUNTIME_DIR, `others` and the temporary one."""
    places = (os.environ.get("XDG_RUNTIME_DIR", ""), *others)
    usable = (place for place in places if place and len(place) < _LONGEST and os.access(place, os.W_OK | os.X_OK))
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=next(usable, None)))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def replace(target: Path, text: str) -> None:
    """Write a new file and move it into place: 0600 from its first byte, nobody reads half, and no link is followed.

    Where that can't be done, nothing of it stays anywhere.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".bulkhead-")
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Failure(Code.FAILED, f"{target} can't be written: {error.strerror}") from None
