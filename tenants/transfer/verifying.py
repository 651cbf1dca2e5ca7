"""What can be said of an archive before anything is changed: it is whole, of this release's shape, and ours to open."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import IO, Final

from secrets_vault import BadCiphertext, BadKey, Keyring, WrappedKey, take_over
from tenants.keyrings import key_service
from tenants.provisioning.provision import schema_script
from tenants.transfer.archive import KEYS, MANIFEST, Part, member_of, scan
from tenants.transfer.errors import BadArchive, TransferError
from tenants.transfer.exporting import seal_context
from tenants.transfer.manifest import MAXIMUM_BYTES, Manifest
from tenants.transfer.tables import tables

_MAXIMUM_KEYS: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive whose parts are those of its manifest, byte for byte."""

    manifest: Manifest
    digest: str
    parts: dict[str, Part]
    keyring: Keyring
    keys: list[WrappedKey]


def verify(file: IO[bytes], private_key: bytes) -> Archive:
    """Read everything through once. Raises TransferError, BadArchive above all, and what the key service raises."""
    scanned = scan(file)
    parts = {part.name: part for part in scanned}
    for name in (MANIFEST, KEYS):
        if name not in parts:
            raise BadArchive(name, "it is missing")
    content = parts[MANIFEST].content(file, at_most=MAXIMUM_BYTES)
    manifest = Manifest.parse(content)
    _check_version(manifest)
    _check_tables(manifest)
    _check_parts(manifest, scanned)
    _check_members(manifest)
    sealed = parts[KEYS].content(file, at_most=_MAXIMUM_KEYS)
    try:
        keyring, keys = take_over(private_key, seal_context(content), sealed, key_service(), manifest.tenant)
    except (BadCiphertext, BadKey):
        reason = "they don't open: the archive is for another recipient, or its manifest or keys were changed"
        raise BadArchive(KEYS, f"{reason} (it says: for {manifest.recipient})") from None
    return Archive(manifest, hashlib.sha256(content).hexdigest(), parts, keyring, keys)


def _check_version(manifest: Manifest) -> None:
    _, ours = schema_script()
    theirs = manifest.schema_version
    if theirs == ours:
        return
    # Migrations are numbered, so their names sort by age.
    if theirs > ours:
        raise TransferError(
            f"The archive is at {theirs}, newer than this release ({ours}): upgrade Bulkhead here first."
        )
    raise TransferError(
        f"The archive is at {theirs}, older than this release ({ours}): at its source, upgrade Bulkhead, "
        "run `manage.py migrate_tenants`, and export again."
    )


def _check_tables(manifest: Manifest) -> None:
    ours = {table.name: table.columns for table in tables()}
    names = [table.name for table in manifest.tables]
    if names != sorted(ours):
        raise BadArchive(MANIFEST, "its tables are not those of this release")
    for table in manifest.tables:
        if table.columns != ours[table.name]:
            raise BadArchive(MANIFEST, f"the columns of {table.name} are not those of this release")


def _check_parts(manifest: Manifest, scanned: list[Part]) -> None:
    order = [*(member_of(table.name) for table in manifest.tables), MANIFEST, KEYS]
    if [part.name for part in scanned] != order:
        missing = sorted(set(order) - {part.name for part in scanned})
        raise BadArchive(missing[0] if missing else "the archive", "it is missing" if missing else "parts out of order")
    for part, table in zip(scanned, manifest.tables, strict=False):
        if (part.size, part.sha256) != (table.bytes, table.sha256):
            raise BadArchive(part.name, "its size or digest is not the manifest's")


def _check_members(manifest: Manifest) -> None:
    people = [(member.provider, member.uid) for member in manifest.members]
    versions = [key.version for key in manifest.sealing_keys]
    if len(set(people)) != len(people):
        raise BadArchive(MANIFEST, "a member occurs twice")
    if not versions or sorted(set(versions)) != versions:
        raise BadArchive(MANIFEST, "its sealing keys are not one for each version")
