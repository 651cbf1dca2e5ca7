"""Keyrings are values: changes return copies, the newest key encrypts, versions are never used twice."""

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secrets_vault import (
    BadCiphertext,
    Keyring,
    KeyServiceDenied,
    LocalKeyService,
    UnknownKeyVersion,
    WrappedKey,
    open_sealed,
    seal,
)
from secrets_vault.keyring import TenantKey
from secrets_vault.opaque import Secret
from tests.secrets_vault.conftest import OTHER_TENANT, PLACE, PLAINTEXT, TENANT, Vault


def test_create_makes_version_1_and_its_row(service: LocalKeyService) -> None:
    keyring, row = Keyring.create(service, TENANT)
    assert keyring.tenant == str(TENANT)
    assert list(keyring.versions) == [1]
    assert (row.version, row.key_service_id, row.retired) == (1, service.key_id, False)


def test_rows_open_to_the_same_keys(vault: Vault) -> None:
    reopened = Keyring.open(vault.service, TENANT, reversed(vault.rows))
    assert open_sealed(reopened, PLACE, vault.old) == PLAINTEXT
    assert open_sealed(vault.keyring, PLACE, seal(reopened, PLACE, b"back")) == b"back"
    assert {v: k.id for v, k in reopened.versions.items()} == {v: k.id for v, k in vault.keyring.versions.items()}


def test_add_returns_a_copy(vault: Vault) -> None:
    grown, row = vault.keyring.add(vault.service)
    assert (grown.current.version, row.version) == (3, 3)
    assert vault.keyring.current.version == 2


def test_retire_returns_a_copy(vault: Vault) -> None:
    shrunk = vault.keyring.retire(1)
    assert list(shrunk.versions) == [2]
    assert shrunk.retired == {1}
    assert list(vault.keyring.versions) == [1, 2]
    assert shrunk.retire(1).retired == {1}


def test_the_current_version_can_not_be_retired(vault: Vault) -> None:
    with pytest.raises(ValueError, match="newer one first"):
        vault.keyring.retire(2)


def test_a_version_never_held_can_not_be_retired(vault: Vault) -> None:
    with pytest.raises(UnknownKeyVersion):
        vault.keyring.retire(9)


def test_a_keyring_can_not_be_changed(vault: Vault) -> None:
    with pytest.raises(FrozenInstanceError):
        vault.keyring.tenant = str(OTHER_TENANT)  # type: ignore[misc]  # the refusal is the subject
    with pytest.raises(TypeError):
        vault.keyring.versions[9] = vault.keyring.current  # type: ignore[index]  # the refusal is the subject


@settings(deadline=None, max_examples=30)
@given(steps=st.lists(st.booleans(), max_size=8))
def test_versions_grow_and_are_never_used_twice(service: LocalKeyService, steps: list[bool]) -> None:
    keyring, row = Keyring.create(service, TENANT)
    rows = {1: row}
    for add in steps:
        if add:
            keyring, row = keyring.add(service)
            assert row.version == max(rows) + 1
            rows[row.version] = row
        elif len(keyring.versions) > 1:
            oldest = min(keyring.versions)
            keyring, rows[oldest] = keyring.retire(oldest), replace(rows[oldest], retired=True)
    assert keyring.current.version == max(rows)
    reopened = Keyring.open(service, TENANT, rows.values())
    assert set(reopened.versions) == set(keyring.versions)
    assert reopened.retired == keyring.retired


def test_a_retired_newest_version_is_not_used_twice(vault: Vault) -> None:
    rows = (vault.rows[0], replace(vault.rows[1], retired=True))
    keyring = Keyring.open(vault.service, TENANT, rows)
    assert keyring.current.version == 1
    assert keyring.add(vault.service)[1].version == 3


def test_retired_rows_are_not_unwrapped(vault: Vault) -> None:
    shredded = WrappedKey(1, "a service that is gone", b"", retired=True)
    assert list(Keyring.open(vault.service, TENANT, [shredded, vault.rows[1]]).versions) == [2]


@pytest.mark.parametrize("rows", [(), (WrappedKey(1, "gone", b"", retired=True),)], ids=["none", "all retired"])
def test_a_keyring_without_a_live_key_is_refused(service: LocalKeyService, rows: tuple[WrappedKey, ...]) -> None:
    with pytest.raises(ValueError, match="at least one live key"):
        Keyring.open(service, TENANT, rows)


def test_a_version_twice_is_refused(vault: Vault) -> None:
    with pytest.raises(ValueError, match="one row for each version"):
        Keyring.open(vault.service, TENANT, [vault.rows[0], vault.rows[0]])


def test_another_tenants_row_does_not_open(vault: Vault) -> None:
    with pytest.raises(BadCiphertext):
        Keyring.open(vault.service, OTHER_TENANT, vault.rows)


def test_a_row_under_another_version_does_not_open(vault: Vault) -> None:
    with pytest.raises(BadCiphertext):
        Keyring.open(vault.service, TENANT, [replace(vault.rows[0], version=2)])


def test_another_key_service_is_denied(vault: Vault, key_path: Path) -> None:
    stranger = LocalKeyService.create(key_path)
    with pytest.raises(KeyServiceDenied):
        Keyring.open(stranger, TENANT, vault.rows)
    relabelled = [replace(row, key_service_id=stranger.key_id) for row in vault.rows]
    with pytest.raises(KeyServiceDenied):
        Keyring.open(stranger, TENANT, relabelled)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_an_unwrapped_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(BadCiphertext):
        TenantKey("tenant", 1, Secret(bytes(length)))


@pytest.mark.parametrize("version", [-1, 0, 2**32])
def test_versions_count_from_1_to_32_bits(version: int) -> None:
    with pytest.raises(ValueError, match="count from 1"):
        TenantKey("tenant", version, Secret(bytes(32)))


def test_a_keys_id_names_key_tenant_and_version() -> None:
    ids = {TenantKey(t, v, Secret(bytes([m]) * 32)).id for t in ("a", "b") for v in (1, 2) for m in (1, 2)}
    assert len(ids) == 8
    assert all(len(key_id) == 16 for key_id in ids)
