"""What seals opens, at its own place and under its own key, and nowhere else."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secrets_vault import BadCiphertext, Keyring, Place, UnknownKeyVersion, describe, open_sealed, rewrap, seal
from secrets_vault.blob import MAXIMUM_PLAINTEXT, Blob
from tests.secrets_vault.conftest import ITEM, OTHER_TENANT, PLACE, PLAINTEXT, TENANT, Vault

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
places = st.builds(Place, st.just(TENANT), text, text, st.integers(0, 2**63 - 1))

MOVED = {
    "another purpose": replace(PLACE, purpose="parameters.name"),
    "a purpose with the same prefix": replace(PLACE, purpose="parameters.value2"),
    "another item": replace(PLACE, item=str(UUID(int=ITEM.int + 1))),
    "another version of the item": replace(PLACE, version=4),
    "an earlier version of the item": replace(PLACE, version=2),
    "another tenant": replace(PLACE, tenant=str(OTHER_TENANT)),
    "a border between fields shifted": replace(PLACE, purpose="parameters.value0", item=str(ITEM)[1:]),
}


def test_opens_what_it_sealed(vault: Vault) -> None:
    assert open_sealed(vault.keyring, PLACE, vault.sealed) == PLAINTEXT


@settings(deadline=None)
@given(place=places, plaintext=st.binary(max_size=4096))
def test_opens_whatever_it_sealed(vault: Vault, place: Place, plaintext: bytes) -> None:
    sealed = seal(vault.keyring, place, plaintext)
    assert open_sealed(vault.keyring, place, sealed) == plaintext
    assert describe(sealed).plaintext_bytes == len(plaintext)


@settings(deadline=None)
@given(here=places, there=places)
def test_opens_at_one_place_alone(vault: Vault, here: Place, there: Place) -> None:
    sealed = seal(vault.keyring, here, PLAINTEXT)
    if here == there:
        assert open_sealed(vault.keyring, there, sealed) == PLAINTEXT
    else:
        with pytest.raises(BadCiphertext):
            open_sealed(vault.keyring, there, sealed)


@settings(deadline=None)
@given(noise=st.binary(max_size=400))
def test_noise_is_refused_as_a_bad_ciphertext(vault: Vault, noise: bytes) -> None:
    for data in (noise, vault.sealed[:6] + noise, noise + vault.sealed):
        if data != vault.sealed:
            with pytest.raises(BadCiphertext):
                open_sealed(vault.keyring, PLACE, data)


@pytest.mark.parametrize("place", MOVED.values(), ids=MOVED.keys())
def test_a_moved_blob_does_not_open(vault: Vault, place: Place) -> None:
    with pytest.raises(BadCiphertext):
        open_sealed(vault.keyring, place, vault.sealed)
    with pytest.raises(BadCiphertext):
        rewrap(vault.keyring, place, vault.old)


def test_another_tenants_keyring_does_not_open_it(vault: Vault) -> None:
    other, _ = Keyring.create(vault.service, OTHER_TENANT)
    for place in (PLACE, MOVED["another tenant"]):
        with pytest.raises(BadCiphertext):
            open_sealed(other, place, vault.old)


def test_the_tenant_is_bound_even_where_two_keyrings_hold_one_key(vault: Vault) -> None:
    """The binding holds by itself, without the comparison of tenants before it and without the key's id."""
    foreign = Keyring(str(OTHER_TENANT), vault.keyring.versions)
    with pytest.raises(BadCiphertext):
        open_sealed(foreign, MOVED["another tenant"], vault.sealed)


def test_another_key_with_the_same_version_does_not_open_it(vault: Vault) -> None:
    namesake, _ = Keyring.create(vault.service, TENANT)
    with pytest.raises(BadCiphertext):
        open_sealed(namesake, PLACE, vault.old)
    relabelled = Blob.parse(vault.old)._replace(key_id=namesake.current.id).pack()
    with pytest.raises(BadCiphertext):
        open_sealed(namesake, PLACE, relabelled)


def test_seals_for_its_own_tenant_alone(vault: Vault) -> None:
    with pytest.raises(ValueError, match="own tenant"):
        seal(vault.keyring, MOVED["another tenant"], PLAINTEXT)


def test_seals_64_mib_at_most(vault: Vault) -> None:
    with pytest.raises(ValueError, match="64 MiB"):
        seal(vault.keyring, PLACE, bytes(MAXIMUM_PLAINTEXT + 1))


def test_every_seal_has_keys_and_nonces_of_its_own(vault: Vault) -> None:
    blobs = [Blob.parse(seal(vault.keyring, PLACE, PLAINTEXT)) for _ in range(200)]
    for name in ("wrap_nonce", "wrapped", "commitment", "nonce", "ciphertext"):
        assert len({getattr(blob, name) for blob in blobs}) == len(blobs), name


def test_the_newest_key_encrypts_and_the_older_still_opens(vault: Vault) -> None:
    assert describe(vault.old).key_version == 1
    assert describe(vault.sealed).key_version == 2
    assert open_sealed(vault.keyring, PLACE, vault.old) == PLAINTEXT


def test_a_retired_version_is_refused_by_name(vault: Vault) -> None:
    with pytest.raises(UnknownKeyVersion) as refusal:
        open_sealed(vault.keyring.retire(1), PLACE, vault.old)
    assert refusal.value.version == 1


def test_a_version_to_come_is_refused_by_name(vault: Vault) -> None:
    with pytest.raises(UnknownKeyVersion):
        open_sealed(vault.first, PLACE, vault.sealed)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_blob_can_not_claim_another_key_version(vault: Vault, version: int) -> None:
    """Not even together with that version's id, which is public."""
    keys = vault.keyring.versions
    for sealed, own in ((vault.old, 1), (vault.sealed, 2)):
        claimed = Blob.parse(sealed)._replace(key_version=version, key_id=keys.get(version, keys[1]).id)
        if version != own:
            with pytest.raises(BadCiphertext):
                open_sealed(vault.keyring, PLACE, claimed.pack())


def test_rewrap_changes_the_wrapping_alone(vault: Vault) -> None:
    before, after = Blob.parse(vault.old), Blob.parse(rewrap(vault.keyring, PLACE, vault.old))
    changed = {name for name in Blob._fields if getattr(before, name) != getattr(after, name)}
    assert changed == {"key_id", "key_version", "wrap_nonce", "wrapped"}
    assert (after.key_version, after.origin_version) == (2, 1)


def test_a_rewrapped_blob_outlives_the_version_it_was_born_under(vault: Vault) -> None:
    rewrapped = rewrap(vault.keyring, PLACE, vault.old)
    assert open_sealed(vault.keyring.retire(1), PLACE, rewrapped) == PLAINTEXT


def test_rewrap_leaves_a_current_blob_alone(vault: Vault) -> None:
    assert rewrap(vault.keyring, PLACE, vault.sealed) == vault.sealed


def test_rewrap_refuses_what_does_not_open(vault: Vault) -> None:
    with pytest.raises(UnknownKeyVersion):
        rewrap(vault.keyring.retire(1), PLACE, vault.old)
    for name in ("wrapped", "commitment"):
        parts = Blob.parse(vault.old)
        field = getattr(parts, name)
        damaged = parts._replace(**{name: field[:-1] + bytes([field[-1] ^ 1])}).pack()
        with pytest.raises(BadCiphertext):
            rewrap(vault.keyring, PLACE, damaged)


def test_wrappings_and_payloads_of_two_values_can_not_be_mixed(vault: Vault) -> None:
    """Not even of two values sealed at one place: each payload has an item key of its own."""
    own, other = (Blob.parse(seal(vault.keyring, PLACE, text)) for text in (PLAINTEXT, b"something else"))
    mixed = own._replace(wrap_nonce=other.wrap_nonce, wrapped=other.wrapped)
    for blob in (mixed, mixed._replace(commitment=other.commitment)):
        with pytest.raises(BadCiphertext):
            open_sealed(vault.keyring, PLACE, blob.pack())
