"""A tenant's keys: versioned, immutable, unwrapped by a key service. The newest encrypts, the older still open.

A change returns a copy. Version numbers count from 1 and are never used twice, retired ones included.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Self
from uuid import UUID

from secrets_vault import aead
from secrets_vault.binding import encode, encode_version
from secrets_vault.derivation import extract_and_expand_into
from secrets_vault.errors import BadCiphertext, KeyServiceDenied, KeyServiceUnavailable, UnknownKeyVersion
from secrets_vault.keyservice.deadline import within
from secrets_vault.keyservice.interface import KeyService
from secrets_vault.keyservice.succession import Succession
from secrets_vault.opaque import Opaque, Secret, Wiped

_LABEL: Final = b"bulkhead tenant key 1"
_ID_BYTES: Final = 16
_MAXIMUM_VERSION: Final = 2**32 - 1


class TenantKey(Opaque):
    """One version of a tenant's key. It wraps item keys and does nothing else."""

    __slots__ = ("_cipher", "id", "name", "version")

    def __init__(self, tenant: str, version: int, material: Secret) -> None:
        if not 1 <= version <= _MAXIMUM_VERSION:
            raise ValueError("key versions count from 1 to 2**32 - 1")
        if len(material.reveal()) != aead.KEY_BYTES:
            raise BadCiphertext
        self.version = version
        # Wrapping key and id are parts of one HKDF output, so the id can be public. It tells another key under the
        # same tenant and version apart at once.
        info = encode(_LABEL, tenant.encode(), version.to_bytes(4, "big"))
        with Wiped(aead.KEY_BYTES + _ID_BYTES) as output:
            extract_and_expand_into(material.reveal(), info, output.view())
            self._cipher, self.id = aead.cipher(output.view()[: aead.KEY_BYTES]), bytes(output.view()[aead.KEY_BYTES :])
        self.name = encode(self.id) + encode_version(version)  # the two fields that name it in associated data

    def __repr__(self) -> str:
        return f"<TenantKey version {self.version}>"

    def wrap(self, item_key: Secret, associated: bytes) -> tuple[bytes, bytes]:
        """Nonce and wrapped key."""
        return aead.encrypt(self._cipher, item_key.reveal(), associated)

    def unwrap(self, nonce: bytes, wrapped: bytes, associated: bytes) -> bytes:
        """The item key, or BadCiphertext. For the caller to pass on at once, never to name: see `opaque`."""
        return aead.decrypt(self._cipher, nonce, wrapped, associated)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """One version of a tenant's key as the registry keeps it: wrapped by the key service, of no use without it."""

    version: int
    key_service_id: str
    wrapped: bytes = field(repr=False)
    retired: bool = False
    # The key's own id, in clear in all that is sealed under it: it names the key, whoever wraps it. None: not known.
    key_id: bytes | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Keyring(Opaque):
    """The live keys of one tenant by version, and the versions that were retired."""

    tenant: str
    versions: Mapping[int, TenantKey]
    retired: frozenset[int] = frozenset()
    current: TenantKey = field(init=False)  # the newest key: the one that encrypts

    def __post_init__(self) -> None:
        if not self.versions:
            raise ValueError("a keyring has at least one live key")
        object.__setattr__(self, "versions", MappingProxyType(dict(self.versions)))
        object.__setattr__(self, "current", self.versions[max(self.versions)])

    def __repr__(self) -> str:
        return f"<Keyring of {self.tenant}, live {sorted(self.versions)}, retired {sorted(self.retired)}>"

    @classmethod
    def create(cls, service: KeyService, tenant: UUID | str) -> tuple[Self, WrappedKey]:
        """The first key of a tenant, and the row to keep. Raises what the key service raises."""
        key, wrapped = _generate(service, str(tenant), 1)
        return cls(str(tenant), {1: key}), wrapped

    @classmethod
    def open(cls, service: KeyService, tenant: UUID | str, keys: Iterable[WrappedKey]) -> Self:
        """The keyring that these rows describe; retired keys are not unwrapped.

        Raises BadCiphertext if a row is another tenant's, another version's, damaged or not the key that it names,
        KeyServiceDenied if another service wrapped it, ValueError if a version occurs twice or none is live, and what
        the key service raises.
        """
        rows = tuple(keys)
        if len({row.version for row in rows}) != len(rows):
            raise ValueError("a keyring has one row for each version")
        with within():  # together: a slow service is not waited for once for each version
            live = {row.version: _unwrap(service, str(tenant), row) for row in rows if not row.retired}
        return cls(str(tenant), live, frozenset(row.version for row in rows if row.retired))

    def key(self, version: int, key_id: bytes) -> TenantKey:
        """The key that a blob names. Raises UnknownKeyVersion (absent, retired) or BadCiphertext (another key's id)."""
        key = self.versions.get(version)
        if key is None:
            raise UnknownKeyVersion(version)
        if key.id != key_id:
            raise BadCiphertext
        return key

    def add(self, service: KeyService) -> tuple[Self, WrappedKey]:
        """A copy with a new current key, and the row to keep. Raises what the key service raises."""
        version = max(*self.versions, *self.retired, 0) + 1
        key, wrapped = _generate(service, self.tenant, version)
        return type(self)(self.tenant, {**self.versions, version: key}, self.retired), wrapped

    def retire(self, version: int) -> Self:
        """A copy without that key: blobs that it wraps are refused from now on. Retiring twice changes nothing.

        Raises ValueError for the current version (add a newer one first) and UnknownKeyVersion for one never held.
        """
        if version == self.current.version:
            raise ValueError("the current key can't be retired: add a newer one first")
        if version not in self.versions and version not in self.retired:
            raise UnknownKeyVersion(version)
        live = {number: key for number, key in self.versions.items() if number != version}
        return type(self)(self.tenant, live, self.retired | {version})


def wrapping_context(tenant: str, version: int) -> dict[str, str]:
    """What a key service binds a wrapped tenant key to."""
    return {
        "format": "bulkhead-tenant-key-1",
        "algorithm": "AES-256-GCM",
        "purpose": "tenant key",
        "tenant": tenant,
        "key-version": str(version),
    }


def _generate(service: KeyService, tenant: str, version: int) -> tuple[TenantKey, WrappedKey]:
    generated = tuple(map(Secret, service.generate(wrapping_context(tenant, version))))
    key = TenantKey(tenant, version, generated[0])
    return key, WrappedKey(version, service.key_id, generated[1].reveal(), key_id=key.id)


def unwrapped(service: KeyService, tenant: str, row: WrappedKey) -> Secret:
    """The material of one version, for this package alone. Raises as `Keyring.open` does."""
    holder = service.holder(row.key_service_id) if isinstance(service, Succession) else service
    if row.key_service_id != holder.key_id:
        raise KeyServiceDenied("another key service wrapped this tenant's key")
    return Secret(holder.unwrap(row.wrapped, wrapping_context(tenant, row.version)))


def _unwrap(service: KeyService, tenant: str, row: WrappedKey) -> TenantKey:
    return _named(tenant, row, unwrapped(service, tenant, row))


def _named(tenant: str, row: WrappedKey, material: Secret) -> TenantKey:
    """The key, which is the one that the row names."""
    key = TenantKey(tenant, row.version, material)
    if row.key_id not in {None, key.id}:
        raise BadCiphertext
    return key


def rewrap_key(service: KeyService, tenant: UUID | str, row: WrappedKey) -> WrappedKey:
    """The same key as the service in force wraps it, and with its id; it is seen to unwrap before it is returned.

    Raises as `Keyring.open` does. A key that this service has wrapped already stays as it is.
    """
    material = unwrapped(service, str(tenant), row)
    key = _named(str(tenant), row, material)
    if row.key_service_id == service.key_id:
        return replace(row, key_id=key.id)
    wrapped = service.wrap(material.reveal(), wrapping_context(str(tenant), row.version))
    after = replace(row, key_service_id=service.key_id, wrapped=wrapped, key_id=key.id)
    if not hmac.compare_digest(unwrapped(service, str(tenant), after).reveal(), material.reveal()):
        raise KeyServiceUnavailable("the key service does not give back what it has wrapped")
    return after
