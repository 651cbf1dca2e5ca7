"""Bytes and keys. This page is the whole public surface; the other modules are private to the package.

    platform key (in a key service) → tenant key (Keyring) → item key (one for each plaintext) → bytes

>>> keyring, row = Keyring.create(service, tenant)          # keep the row; Keyring.open(service, tenant, rows) reads it
>>> place = Place(tenant, "parameters.value", item, version=1)
>>> open_sealed(keyring, place, seal(keyring, place, b"value"))
b'value'
"""

from secrets_vault import aead, blob, hashchain
from secrets_vault.binding import Place
from secrets_vault.blob import BlobHeader
from secrets_vault.derivation import derive
from secrets_vault.envelope import describe, open_sealed, rewrap, rewrap_head, same_value, seal
from secrets_vault.errors import (
    BadCiphertext,
    BadKey,
    BrokenChain,
    KeyServiceDenied,
    KeyServiceUnavailable,
    UnknownKeyVersion,
    VaultError,
)
from secrets_vault.handover import hand_over, take_over
from secrets_vault.keyring import Keyring, WrappedKey, rewrap_key
from secrets_vault.keyservice import (
    KeyService,
    KeyServiceAddress,
    LocalKeyService,
    open_key_service,
    open_key_services,
)
from secrets_vault.sealing import new_sealing_key, open_from, seal_to

__all__ = [
    "BadCiphertext",
    "BadKey",
    "BlobHeader",
    "BrokenChain",
    "KeyService",
    "KeyServiceAddress",
    "KeyServiceDenied",
    "KeyServiceUnavailable",
    "Keyring",
    "LocalKeyService",
    "Place",
    "UnknownKeyVersion",
    "VaultError",
    "WrappedKey",
    "aead",
    "blob",
    "derive",
    "describe",
    "hand_over",
    "hashchain",
    "new_sealing_key",
    "open_from",
    "open_key_service",
    "open_key_services",
    "open_sealed",
    "rewrap",
    "rewrap_head",
    "rewrap_key",
    "same_value",
    "seal",
    "seal_to",
    "take_over",
]
