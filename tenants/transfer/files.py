"""Files that are whole or absent, and their owner's alone."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from tenants.transfer.errors import TransferError

_WRITE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking: a FIFO must not hang the command.
_READ: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


@contextmanager
def new_file(path: Path, *, before: Callable[[], None] = lambda: None) -> Iterator[IO[bytes]]:
    """Yield a file of another name; when the block ends well, call `before` and give it the name `path`.

    link(2) never replaces anything: raises TransferError if `path` exists, and leaves nothing behind on any failure.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        if os.path.lexists(path):
            raise TransferError(f"{path} exists: choose another name, or remove it first.")
        with os.fdopen(os.open(draft, _WRITE, 0o600), "w+b") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask says
            yield file
            file.flush()
            os.fsync(file.fileno())
        before()
        os.link(draft, path, follow_symlinks=False)
    except FileExistsError:
        raise TransferError(f"{path} exists: choose another name, or remove it first.") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()


@contextmanager
def existing_file(path: Path, *, private: bool = False) -> Iterator[IO[bytes]]:
    """Open a regular file to read; a `private` one must be its owner's alone. Raises TransferError."""
    flags = _READ | (os.O_NOFOLLOW if private else 0)
    try:
        file = open(path, "rb", opener=lambda name, _: os.open(name, flags))  # noqa: SIM115 - closed below
    except OSError as error:
        raise TransferError(f"{path} can't be opened: {error.strerror}.") from None
    with file:
        status = os.fstat(file.fileno())  # of the open file: what is checked is what is read
        if not stat.S_ISREG(status.st_mode):
            raise TransferError(f"{path} is not a regular file.")
        if private and (status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) not in {0o600, 0o400}):
            raise TransferError(f"{path} must be yours, with mode 0600: nobody else may read a private key.")
        yield file
