"""A key file on disk: made whole or not at all, and refused unless it is its owner's alone."""

import base64
import binascii
import contextlib
import os
import secrets
import stat
from pathlib import Path

from secrets_vault.errors import KeyServiceDenied, KeyServiceUnavailable
from secrets_vault.opaque import Secret

_PREFIX = b"bulkhead-key-file-1 "
_KEY_BYTES = 32
_FILE_BYTES = len(_PREFIX) + 44 + 1  # 44: 32 bytes in base64
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # non-blocking: a FIFO must not hang the start


def write(path: Path, key: Secret) -> None:
    """Write a new key file with mode 0600. Raises FileExistsError if anything is at `path`, even a dangling link.

    The bytes go to a name of their own first and get `path` by link(2), which never replaces: of two processes one
    wins, and nobody ever opens half a key.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_synced(draft, _PREFIX + base64.b64encode(key.reveal()) + b"\n")
        os.link(draft, path, follow_symlinks=False)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    _sync_directory(path.parent)


def read(path: Path) -> Secret:
    """The key. Raises KeyServiceUnavailable (missing, malformed) or KeyServiceDenied (not its owner's alone)."""
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        raise KeyServiceUnavailable(f"the key file can't be opened: {error.strerror}") from None
    try:
        _refuse_shared(os.fstat(descriptor))  # of the open file: what is checked is what is read
        return _parse(Secret(os.read(descriptor, _FILE_BYTES + 1)))
    finally:
        os.close(descriptor)


def _write_synced(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, _WRITE, 0o600), "wb") as file:
        os.fchmod(file.fileno(), 0o600)  # whatever the umask took away
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_shared(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyServiceUnavailable("the key file is not a regular file")
    if status.st_uid != os.geteuid():
        raise KeyServiceDenied("the key file belongs to another user")
    if stat.S_IMODE(status.st_mode) not in {0o600, 0o400}:
        raise KeyServiceDenied("the key file must have mode 0600: nobody but its owner reads or writes it")


def _parse(content: Secret) -> Secret:
    if not content.reveal().startswith(_PREFIX) or not content.reveal().endswith(b"\n"):
        raise KeyServiceUnavailable("the key file is malformed")
    try:
        key = Secret(base64.b64decode(content.reveal()[len(_PREFIX) : -1], validate=True))
    except binascii.Error:
        raise KeyServiceUnavailable("the key file is malformed") from None
    if len(key.reveal()) != _KEY_BYTES:
        raise KeyServiceUnavailable("the key file is malformed")
    return key
