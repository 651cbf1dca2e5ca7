"""From one key service to another: the former unwraps and wraps nothing more, and a key stays the key it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from secrets_vault import (
    BadCiphertext,
    Keyring,
    KeyServiceDenied,
    KeyServiceUnavailable,
    LocalKeyService,
    open_key_service,
    open_key_services,
    open_sealed,
    rewrap_key,
)
from secrets_vault.keyservice.succession import Succession
from tests.secrets_vault.conftest import OTHER_TENANT, PLACE, PLAINTEXT, TENANT, Vault


class Forgetful(LocalKeyService):
    """Wraps something else than it was given."""

    def wrap(self, plaintext: bytes, context: Mapping[str, str]) -> bytes:
        return super().wrap(bytes(32), context)


@pytest.fixture
def newer(tmp_path: Path) -> LocalKeyService:
    return LocalKeyService.create(tmp_path / "newer")


@pytest.fixture
def addresses(
    vault: Vault, newer: LocalKeyService, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """The newer service's address, and the former's."""
    found = [f"local:{path}" for path in tmp_path_factory.getbasetemp().glob("keys*/platform")]
    former = [address for address in found if open_key_service(address).key_id == vault.service.key_id]
    return [f"local:{tmp_path / 'newer'}", *former]


def test_what_either_wrapped_is_opened_and_the_one_in_force_wraps(
    vault: Vault, newer: LocalKeyService, addresses: list[str]
) -> None:
    both = open_key_services(addresses[0], addresses[1:])
    _, row = Keyring.open(both, TENANT, vault.rows).add(both)
    assert row.key_service_id == both.key_id == newer.key_id
    assert open_sealed(Keyring.open(both, TENANT, [*vault.rows, row]), PLACE, vault.sealed) == PLAINTEXT
    assert both.unwrap(both.wrap(bytes(32), {}), {}) == bytes(32)
    with pytest.raises(KeyServiceDenied):
        Keyring.open(vault.service, TENANT, [row])
    with pytest.raises(KeyServiceDenied):
        Keyring.open(both, TENANT, [replace(row, key_service_id="local:of-nobody")])


def test_one_that_is_away_is_missed_by_its_keys_alone(
    vault: Vault, newer: LocalKeyService, addresses: list[str]
) -> None:
    both = open_key_services(addresses[0], ["local:/nonexistent"])
    with pytest.raises(KeyServiceUnavailable):
        Keyring.open(both, TENANT, vault.rows)
    _, row = Keyring.create(newer, TENANT)
    assert Keyring.open(both, TENANT, [row])


def test_a_key_stays_the_same_whoever_wraps_it(vault: Vault, newer: LocalKeyService, addresses: list[str]) -> None:
    both = open_key_services(addresses[0], addresses[1:])
    rows = [rewrap_key(both, TENANT, row) for row in vault.rows]
    assert {row.key_service_id for row in rows} == {newer.key_id}
    assert [row.key_id for row in rows] == [row.key_id for row in vault.rows]
    assert open_sealed(Keyring.open(newer, TENANT, rows), PLACE, vault.sealed) == PLAINTEXT
    assert [rewrap_key(newer, TENANT, row) for row in rows] == rows, "what is done stays as it is"


def test_a_retired_version_moves_too_and_stays_retired(vault: Vault, addresses: list[str]) -> None:
    both = open_key_services(addresses[0], addresses[1:])
    row = rewrap_key(both, TENANT, replace(vault.rows[0], retired=True, key_id=None))
    assert row.retired
    assert row.key_id == vault.rows[0].key_id, "its id is found out by the way"


def test_another_key_in_its_place_is_not_taken(vault: Vault, addresses: list[str]) -> None:
    """Whoever may write to the registry can wrap nothing, but may put an older wrapping of the same version back."""
    both = open_key_services(addresses[0], addresses[1:])
    _, other = Keyring.create(vault.service, TENANT)
    swapped = replace(vault.rows[0], wrapped=other.wrapped)
    with pytest.raises(BadCiphertext):
        rewrap_key(both, TENANT, swapped)
    with pytest.raises(BadCiphertext):
        Keyring.open(vault.service, TENANT, [swapped])
    with pytest.raises(BadCiphertext):
        rewrap_key(both, OTHER_TENANT, vault.rows[0])


def test_what_does_not_unwrap_again_replaces_nothing(vault: Vault, addresses: list[str]) -> None:
    forgetful = Forgetful.open(Path(addresses[0].removeprefix("local:")))
    both = Succession(forgetful, [lambda: vault.service])
    with pytest.raises(KeyServiceUnavailable):
        rewrap_key(both, TENANT, vault.rows[0])


def test_it_shows_no_address(addresses: list[str]) -> None:
    assert repr(open_key_services(addresses[0], addresses[1:])) == "<Succession>"
