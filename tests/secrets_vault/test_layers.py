"""Each layer's associated data, field by field, tried at that layer alone: no layer leans on another's binding."""

import pytest
from cryptography.exceptions import InvalidTag

from secrets_vault import BadCiphertext
from secrets_vault.binding import encode
from secrets_vault.blob import Blob
from secrets_vault.derivation import payload_key
from tests.secrets_vault.conftest import ITEM, PLACE, PLAINTEXT, TENANT, Vault

SUITE = b"\1\1"  # format, algorithm
WHERE = [str(TENANT).encode(), b"parameters.value", str(ITEM).encode(), (3).to_bytes(8, "big")]
ORIGIN = (2).to_bytes(4, "big")

PAYLOAD = [b"bulkhead payload", SUITE, ORIGIN, *WHERE]


def wrapping(vault: Vault) -> list[bytes]:
    key = vault.keyring.current
    return [b"bulkhead item key", SUITE, ORIGIN, key.id, (2).to_bytes(4, "big"), *WHERE]


def altered(fields: list[bytes], index: int) -> list[bytes]:
    field = fields[index]
    return [*fields[:index], field[:-1] + bytes([field[-1] ^ 1]), *fields[index + 1 :]]


def test_the_item_key_is_wrapped_under_all_nine_fields(vault: Vault) -> None:
    parts, fields, key = Blob.parse(vault.sealed), wrapping(vault), vault.keyring.current
    assert len(key.unwrap(parts.wrap_nonce, parts.wrapped, encode(*fields))) == 32
    for index in range(len(fields)):
        for wrong in (altered(fields, index), fields[:index] + fields[index + 1 :]):
            with pytest.raises(BadCiphertext):
                key.unwrap(parts.wrap_nonce, parts.wrapped, encode(*wrong))


def test_the_payload_is_sealed_under_all_seven_fields(vault: Vault) -> None:
    parts, binding = Blob.parse(vault.sealed), encode(*PAYLOAD)
    item_key = vault.keyring.current.unwrap(parts.wrap_nonce, parts.wrapped, encode(*wrapping(vault)))
    key, commitment = payload_key(item_key, binding)
    assert commitment == parts.commitment
    assert key.decrypt(parts.nonce, parts.ciphertext, binding) == PLAINTEXT
    for index in range(len(PAYLOAD)):
        for wrong in (altered(PAYLOAD, index), PAYLOAD[:index] + PAYLOAD[index + 1 :]):
            assert payload_key(item_key, encode(*wrong))[1] != parts.commitment
            with pytest.raises(InvalidTag):
                key.decrypt(parts.nonce, parts.ciphertext, encode(*wrong))


def test_no_layers_binding_is_valid_at_another(vault: Vault) -> None:
    assert PLACE.encoded == encode(*WHERE)
    assert not encode(*wrapping(vault)).startswith(encode(*PAYLOAD)[:24])
