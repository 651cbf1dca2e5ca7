"""Keys and plaintexts stay inside: no repr, no message, no traceback, no pickle shows them."""

import copy
import hmac
import pickle
import traceback
from collections.abc import Callable

import pytest

from secrets_vault import BadCiphertext, Keyring, Place, VaultError, envelope, open_sealed, rewrap, seal, sealing
from secrets_vault.aead import Key, cipher
from secrets_vault.blob import Blob
from secrets_vault.opaque import Secret
from tests.secrets_vault.conftest import PLACE, Vault

MATERIAL = b"\xa5planted-key-material-0123456789\x5a"[:32]
PLANTED = b"planted-plaintext-9f3b"


def spellings(secret: bytes) -> tuple[str, ...]:
    return repr(secret)[2:-1], secret.hex(), secret.hex().upper()


def holders(vault: Vault) -> list[object]:
    return [Secret(MATERIAL), Key(MATERIAL), vault.service, vault.keyring, vault.keyring.current]


def test_nothing_that_holds_a_key_shows_it(vault: Vault) -> None:
    for holder in holders(vault):
        for shown in (repr(holder), str(holder), f"{holder}", f"{[holder]!r}"):
            assert not any(spelling in shown for spelling in spellings(MATERIAL))
    assert [repr(holder) for holder in holders(vault)] == [
        "<Secret>",
        "<Key>",
        "<LocalKeyService>",
        f"<Keyring of {PLACE.tenant}, live [1, 2], retired []>",
        "<TenantKey version 2>",
    ]


def test_a_row_shows_no_wrapped_key(vault: Vault) -> None:
    assert not any(spelling in repr(vault.rows[0]) for spelling in spellings(vault.rows[0].wrapped))


def test_nothing_that_holds_a_key_is_pickled_or_copied(vault: Vault) -> None:
    attempts: list[Callable[[object], object]] = [pickle.dumps, copy.copy, copy.deepcopy]
    for holder in holders(vault):
        for attempt in attempts:
            with pytest.raises(TypeError, match="never pickled"):
                attempt(holder)


def test_nothing_that_holds_a_key_has_a_dictionary_to_dump(vault: Vault) -> None:
    assert not any(hasattr(holder, "__dict__") for holder in holders(vault))


@pytest.mark.parametrize("attempt", [pickle.dumps, copy.copy, copy.deepcopy])
def test_the_librarys_own_key_objects_are_as_close(attempt: Callable[[object], object]) -> None:
    """The vault hands them from one of its modules to the next, without a cover of its own."""
    key = cipher(MATERIAL)
    assert not any(spelling in repr(key) for spelling in spellings(MATERIAL))
    assert not hasattr(key, "__dict__")
    with pytest.raises(TypeError, match="cannot pickle"):
        attempt(key)


def damaged(sealed: bytes, name: str) -> bytes:
    parts = Blob.parse(sealed)
    field = getattr(parts, name)
    return parts._replace(**{name: bytes([field[0] ^ 1]) + field[1:]}).pack()


def binding(keyring: Keyring) -> bytes:
    return envelope._prefixes(keyring.current.version, keyring.current.name)[0] + PLACE.encoded


def shown(error: BaseException) -> str:
    """All that a debug page or an error tracker would show: the chain of errors and each frame's local variables."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(report.format()) + repr(error) + repr(error.args)


@pytest.mark.parametrize("name", ["wrapped", "commitment", "nonce", "ciphertext"])
def test_a_failure_shows_neither_keys_nor_plaintext(vault: Vault, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("secrets_vault.envelope.os.urandom", lambda size: MATERIAL[:size])
    sealed = damaged(seal(vault.first, PLACE, PLANTED), name)
    with pytest.raises(BadCiphertext) as failure:
        open_sealed(vault.first, PLACE, sealed)
    assert str(failure.value) == "the ciphertext does not open"
    assert failure.value.__cause__ is None
    text = shown(failure.value)
    assert "open_sealed" in text
    payload_key = hmac.digest(MATERIAL, binding(vault.first) + b"\1", "sha512")[:32]
    assert not any(spelling in text for secret in (MATERIAL, payload_key, PLANTED) for spelling in spellings(secret))


def test_all_failures_to_open_look_alike(vault: Vault) -> None:
    messages = set()
    for name in ("kind", "key_id", "wrapped", "commitment", "nonce", "ciphertext"):
        with pytest.raises(BadCiphertext) as failure:
            open_sealed(vault.keyring, PLACE, damaged(vault.sealed, name))
        messages.add((failure.type, str(failure.value)))
    with pytest.raises(BadCiphertext) as failure:
        open_sealed(vault.keyring, Place(PLACE.tenant, PLACE.purpose, PLACE.item, 9), vault.sealed)
    assert messages == {(failure.type, str(failure.value))}


def test_a_failed_rewrap_shows_no_key(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets_vault.envelope.os.urandom", lambda size: MATERIAL[:size])
    sealed = damaged(seal(vault.first, PLACE, PLANTED), "commitment")
    with pytest.raises(VaultError) as failure:
        rewrap(vault.keyring, PLACE, sealed)
    assert not any(spelling in shown(failure.value) for spelling in spellings(MATERIAL))


def test_a_failed_unsealing_shows_no_seed_below_its_caller() -> None:
    private = sealing._PRIVATE + MATERIAL
    public = sealing._serialise_public(*sealing._halves(Secret(MATERIAL)))
    sealed = sealing.seal_to(public, {}, PLANTED)
    with pytest.raises(BadCiphertext) as failure:
        sealing.open_from(private, {}, sealed[:-1])
    inner = [line for line in shown(failure.value).splitlines() if "private" not in line and "MATERIAL" not in line]
    assert not any(spelling in "\n".join(inner) for secret in (MATERIAL, PLANTED) for spelling in spellings(secret))
