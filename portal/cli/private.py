"""Directories for the time of one command, which only this user may enter."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

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
