"""The recipient's key pair, one line of text each: the private half stays where the tenant goes to.

bulkhead-transfer-public-1 BASE64        bulkhead-transfer-private-1 BASE64
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Final

from secrets_vault import new_sealing_key
from tenants.transfer.errors import TransferError
from tenants.transfer.files import existing_file, new_file

_PUBLIC: Final = b"bulkhead-transfer-public-1 "
_PRIVATE: Final = b"bulkhead-transfer-private-1 "
_MAXIMUM_BYTES: Final = 4096


def make_pair(path: Path) -> tuple[Path, str]:
    """Write the private half to `path` and the public one beside it; return the latter's path and fingerprint."""
    public_path = path.with_name(f"{path.name}.pub")
    private, public = new_sealing_key()
    # Both names are found free before either is taken.
    with new_file(public_path) as public_file, new_file(path) as private_file:
        private_file.write(_PRIVATE + base64.b64encode(private) + b"\n")
        public_file.write(_PUBLIC + base64.b64encode(public) + b"\n")
    public_path.chmod(0o644)
    return public_path, fingerprint(public)


def read_public(path: Path) -> bytes:
    return _read(path, _PUBLIC, "public", private=False)


def read_private(path: Path) -> bytes:
    return _read(path, _PRIVATE, "private", private=True)


def fingerprint(public: bytes) -> str:
    """Return what both sides read to each other, written as OpenSSH writes fingerprints."""
    return f"SHA256:{base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip('=')}"


def _read(path: Path, prefix: bytes, half: str, *, private: bool) -> bytes:
    with existing_file(path, private=private) as file:
        line = file.read(_MAXIMUM_BYTES)
    if not line.startswith(prefix):
        raise TransferError(f"{path} is not the {half} half of a transfer key: make one with `new_transfer_key`.")
    try:
        return base64.b64decode(line[len(prefix) :].strip(), validate=True)
    except binascii.Error:
        raise TransferError(f"{path} is damaged: its {half} key is not base64.") from None
