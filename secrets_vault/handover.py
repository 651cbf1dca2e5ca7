"""A tenant's keys, handed to another deployment: the one way in which an unwrapped tenant key is written down.

    payload = label, tenant, live, retired        length-prefixed (binding.encode)
    live    = version (4) ‖ key (32), …           ascending, at least one
    retired = version (4), …                      ascending: their numbers are never given away again

The payload exists inside these two functions only: sealed to the recipient's public key (HPKE, sealing.py) before it
leaves the first, and wrapped by the new deployment's key service before anything leaves the second. HPKE's `info` binds
purpose, tenant and the caller's context, so that keys sealed for another purpose, tenant or context do not open.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from secrets_vault import aead
from secrets_vault.binding import encode
from secrets_vault.errors import BadCiphertext
from secrets_vault.keyring import Keyring, TenantKey, WrappedKey, unwrapped, wrapping_context
from secrets_vault.keyservice.interface import KeyService
from secrets_vault.opaque import Secret
from secrets_vault.sealing import open_from, seal_to

_LABEL: Final = b"bulkhead tenant keys 1"
_PURPOSE: Final = "tenant key handover"
_VERSION_BYTES: Final = 4
_LIVE_BYTES: Final = _VERSION_BYTES + aead.KEY_BYTES
_LENGTH_BYTES: Final = 8


def hand_over(
    service: KeyService, tenant: UUID | str, keys: Iterable[WrappedKey], public_key: bytes, context: Mapping[str, str]
) -> bytes:
    """Every live key of the tenant, sealed to `public_key`; of retired ones the numbers.

    Raises what Keyring.open does, BadKey if the public key is malformed, ValueError if the context names `purpose` or
    `tenant`, which are set here.
    """
    rows = sorted(keys, key=lambda row: row.version)
    live = [row for row in rows if not row.retired]
    if not live or len({row.version for row in rows}) != len(rows):
        raise ValueError("a tenant has one row for each version of its key, and one that is live")
    bound = _bound(context, str(tenant))
    material = Secret(b"".join([_record(service, str(tenant), row) for row in live]))
    retired = b"".join([_number(row.version) for row in rows if row.retired])
    return seal_to(public_key, bound, encode(_LABEL, str(tenant).encode(), material.reveal(), retired))


def take_over(
    private_key: bytes, context: Mapping[str, str], sealed: bytes, service: KeyService, tenant: UUID | str
) -> tuple[Keyring, list[WrappedKey]]:
    """The keyring that was handed over, and its rows, wrapped anew by `service`; a retired row holds no key at all.

    Raises BadCiphertext for everything that does not open or is not what hand_over writes, BadKey if the private key
    is malformed, and what the key service raises.
    """
    payload = Secret(open_from(private_key, _bound(context, str(tenant)), sealed))
    live, gone = _read(payload, str(tenant))
    keys = {version: TenantKey(str(tenant), version, material) for version, material in live.items()}
    rows = [WrappedKey(version, service.key_id, b"", retired=True) for version in gone]
    for version, material in live.items():
        wrapped = service.wrap(material.reveal(), wrapping_context(str(tenant), version))
        rows.append(WrappedKey(version, service.key_id, wrapped, key_id=keys[version].id))
    return Keyring(str(tenant), keys, frozenset(gone)), sorted(rows, key=lambda row: row.version)


def _bound(context: Mapping[str, str], tenant: str) -> dict[str, str]:
    ours = {"purpose": _PURPOSE, "tenant": tenant}
    if ours.keys() & context.keys():
        raise ValueError("purpose and tenant are bound by the handover itself")
    return {**context, **ours}


def _record(service: KeyService, tenant: str, row: WrappedKey) -> bytes:
    """Version and key. For the caller to join and cover at once."""
    material = unwrapped(service, tenant, row)
    if len(material.reveal()) != aead.KEY_BYTES:
        raise BadCiphertext
    return _number(row.version) + material.reveal()


def _number(version: int) -> bytes:
    return version.to_bytes(_VERSION_BYTES, "big")


def _read(payload: Secret, tenant: str) -> tuple[dict[int, Secret], list[int]]:
    """Live keys by version, and retired versions. Sealing it took the public key alone, so nothing here is trusted."""
    label, owner, live, retired = _fields(payload)
    if label.reveal() != _LABEL or owner.reveal() != tenant.encode():
        raise BadCiphertext
    records = _split(live, _LIVE_BYTES)
    keys = {_version(record): Secret(record.reveal()[_VERSION_BYTES:]) for record in records}
    gone = [_version(record) for record in _split(retired, _VERSION_BYTES)]
    if not keys or len(keys) != len(records) or list(keys) != sorted(keys) or gone != sorted(set(gone) - keys.keys()):
        raise BadCiphertext
    return keys, gone


def _fields(payload: Secret) -> list[Secret]:
    """The four fields of `encode`, and nothing before, between or after them."""
    fields, rest = [], payload
    for _ in range(4):
        end = _LENGTH_BYTES + int.from_bytes(rest.reveal()[:_LENGTH_BYTES], "big")
        if len(rest.reveal()) < max(end, _LENGTH_BYTES):
            raise BadCiphertext
        fields.append(Secret(rest.reveal()[_LENGTH_BYTES:end]))
        rest = Secret(rest.reveal()[end:])
    if rest.reveal():
        raise BadCiphertext
    return fields


def _split(field: Secret, size: int) -> list[Secret]:
    if len(field.reveal()) % size:
        raise BadCiphertext
    return [Secret(field.reveal()[start : start + size]) for start in range(0, len(field.reveal()), size)]


def _version(record: Secret) -> int:
    version = int.from_bytes(record.reveal()[:_VERSION_BYTES], "big")
    if not version:
        raise BadCiphertext
    return version
