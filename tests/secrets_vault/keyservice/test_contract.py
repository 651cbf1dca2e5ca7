"""What every key service does. A new service joins by a parameter of `any_service`."""

from dataclasses import replace

import pytest

from secrets_vault import BadCiphertext, Keyring, KeyService, KeyServiceDenied, open_sealed, seal
from tests.secrets_vault.conftest import OTHER_TENANT, PLACE, PLAINTEXT
from tests.secrets_vault.keyservice.conftest import CONTEXT, KEY, REMOTE


@pytest.fixture(params=["service", *REMOTE])
def any_service(request: pytest.FixtureRequest) -> KeyService:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, KeyService)
    return found


@pytest.fixture
def wrapped(any_service: KeyService) -> bytes:
    return any_service.wrap(KEY, CONTEXT)


def test_names_its_key(any_service: KeyService) -> None:
    assert any_service.key_id
    assert any_service.key_id == any_service.key_id.strip()


def test_unwraps_what_it_wrapped(any_service: KeyService, wrapped: bytes) -> None:
    assert any_service.unwrap(wrapped, dict(reversed(CONTEXT.items()))) == KEY
    assert any_service.wrap(KEY, CONTEXT) != wrapped


def test_generates_a_fresh_key_with_its_wrapping(any_service: KeyService) -> None:
    (first, wrapped), (second, _) = any_service.generate(CONTEXT), any_service.generate(CONTEXT)
    assert len(first) == 32
    assert first != second
    assert any_service.unwrap(wrapped, CONTEXT) == first


def test_a_tenants_keyring_lives_on_it(any_service: KeyService) -> None:
    keyring, first = Keyring.create(any_service, PLACE.tenant)
    sealed = seal(keyring, PLACE, PLAINTEXT)
    _, second = keyring.add(any_service)
    assert open_sealed(Keyring.open(any_service, PLACE.tenant, [first, second]), PLACE, sealed) == PLAINTEXT
    with pytest.raises(BadCiphertext):
        Keyring.open(any_service, OTHER_TENANT, [first])
    with pytest.raises(BadCiphertext):
        Keyring.open(any_service, PLACE.tenant, [replace(first, version=2)])


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"tenant": "one"},
        {**CONTEXT, "more": ""},
        {**CONTEXT, "tenant": "two"},
        {"tenant": "1", "key-version": "one"},
        {"tenant": "onekey-version", "": "1"},
    ],
)
def test_another_context_does_not_unwrap(any_service: KeyService, wrapped: bytes, context: dict[str, str]) -> None:
    with pytest.raises(BadCiphertext):
        any_service.unwrap(wrapped, context)


def test_a_damaged_key_does_not_unwrap(any_service: KeyService, wrapped: bytes) -> None:
    for position in range(len(wrapped)):
        damaged = bytearray(wrapped)
        damaged[position] ^= 0x80
        with pytest.raises((BadCiphertext, KeyServiceDenied)):  # denied where the key's name was hit
            any_service.unwrap(bytes(damaged), CONTEXT)


def test_a_truncated_or_lengthened_key_does_not_unwrap(any_service: KeyService, wrapped: bytes) -> None:
    for damaged in (*(wrapped[:length] for length in range(len(wrapped))), wrapped + b"\0"):
        with pytest.raises((BadCiphertext, KeyServiceDenied)):
            any_service.unwrap(damaged, CONTEXT)
