"""A tenant's keys go to one recipient, in one context, whole, and are never seen on the way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from secrets_vault import (
    BadCiphertext,
    BadKey,
    Keyring,
    KeyServiceDenied,
    LocalKeyService,
    UnknownKeyVersion,
    WrappedKey,
    hand_over,
    new_sealing_key,
    open_sealed,
    seal_to,
    take_over,
)
from secrets_vault.binding import encode
from tests.secrets_vault.conftest import OTHER_TENANT, PLACE, PLAINTEXT, TENANT, Vault

PRIVATE, PUBLIC = new_sealing_key()
CONTEXT = {"manifest": "abc"}
BOUND = {**CONTEXT, "purpose": "tenant key handover", "tenant": str(TENANT)}
LABEL = b"bulkhead tenant keys 1"
WHO = str(TENANT).encode()


@pytest.fixture
def elsewhere(tmp_path: Path) -> LocalKeyService:
    """The key service of the deployment that the tenant goes to."""
    return LocalKeyService.create(tmp_path / "platform")


@pytest.fixture
def sealed(vault: Vault) -> bytes:
    return hand_over(vault.service, TENANT, vault.rows, PUBLIC, CONTEXT)


def test_the_recipient_opens_what_the_sender_sealed(vault: Vault, sealed: bytes, elsewhere: LocalKeyService) -> None:
    keyring, rows = take_over(PRIVATE, CONTEXT, sealed, elsewhere, TENANT)
    assert open_sealed(keyring, PLACE, vault.sealed) == open_sealed(keyring, PLACE, vault.old) == PLAINTEXT
    assert [(row.version, row.key_service_id, row.retired) for row in rows] == [
        (1, elsewhere.key_id, False),
        (2, elsewhere.key_id, False),
    ]
    assert open_sealed(Keyring.open(elsewhere, TENANT, rows), PLACE, vault.sealed) == PLAINTEXT
    assert keyring.current.version == 2


def test_the_senders_key_service_does_not_open_the_new_rows(
    vault: Vault, sealed: bytes, elsewhere: LocalKeyService
) -> None:
    _, rows = take_over(PRIVATE, CONTEXT, sealed, elsewhere, TENANT)
    with pytest.raises(KeyServiceDenied):
        Keyring.open(vault.service, TENANT, rows)


def test_a_retired_key_stays_behind_and_its_number_goes_along(vault: Vault, elsewhere: LocalKeyService) -> None:
    first, second = vault.rows
    gone = WrappedKey(first.version, first.key_service_id, first.wrapped, retired=True)
    sealed = hand_over(vault.service, TENANT, [second, gone], PUBLIC, CONTEXT)
    keyring, rows = take_over(PRIVATE, CONTEXT, sealed, elsewhere, TENANT)
    assert [(row.version, row.retired, bool(row.wrapped)) for row in rows] == [(1, True, False), (2, False, True)]
    with pytest.raises(UnknownKeyVersion):
        open_sealed(keyring, PLACE, vault.old)
    assert keyring.add(elsewhere)[1].version == 3


def test_another_recipient_context_or_tenant_does_not_open_it(sealed: bytes, elsewhere: LocalKeyService) -> None:
    stranger, _ = new_sealing_key()
    for private, context, tenant in (
        (stranger, CONTEXT, TENANT),
        (PRIVATE, {"manifest": "abd"}, TENANT),
        (PRIVATE, {}, TENANT),
        (PRIVATE, CONTEXT, OTHER_TENANT),
    ):
        with pytest.raises(BadCiphertext):
            take_over(private, context, sealed, elsewhere, tenant)


def test_a_flipped_byte_does_not_open(sealed: bytes, elsewhere: LocalKeyService) -> None:
    for position in range(0, len(sealed), 7):
        damaged = bytearray(sealed)
        damaged[position] ^= 0x01
        with pytest.raises(BadCiphertext):
            take_over(PRIVATE, CONTEXT, bytes(damaged), elsewhere, TENANT)


def test_a_truncated_or_lengthened_handover_does_not_open(sealed: bytes, elsewhere: LocalKeyService) -> None:
    for damaged in (b"", sealed[:100], sealed[:-1], sealed + b"\0"):
        with pytest.raises(BadCiphertext):
            take_over(PRIVATE, CONTEXT, damaged, elsewhere, TENANT)


KEY = bytes(range(32))
ONE, TWO = (1).to_bytes(4, "big"), (2).to_bytes(4, "big")
MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "another label": encode(b"bulkhead tenant keys 2", WHO, ONE + KEY, b""),
    "another tenant": encode(LABEL, str(OTHER_TENANT).encode(), ONE + KEY, b""),
    "no live key": encode(LABEL, WHO, b"", ONE),
    "half a key": encode(LABEL, WHO, ONE + KEY[:31], b""),
    "version 0": encode(LABEL, WHO, bytes(4) + KEY, b""),
    "retired version 0": encode(LABEL, WHO, ONE + KEY, bytes(4)),
    "a version twice": encode(LABEL, WHO, ONE + KEY + ONE + KEY, b""),
    "descending": encode(LABEL, WHO, TWO + KEY + ONE + KEY, b""),
    "live and retired": encode(LABEL, WHO, ONE + KEY, ONE),
    "retired twice": encode(LABEL, WHO, ONE + KEY, TWO + TWO),
    "half a number": encode(LABEL, WHO, ONE + KEY, TWO[:3]),
    "three fields": encode(LABEL, WHO, ONE + KEY),
    "five fields": encode(LABEL, WHO, ONE + KEY, b"", b""),
    "a tail": encode(LABEL, WHO, ONE + KEY, b"") + b"\0",
    "a length beyond the end": encode(LABEL, WHO, ONE + KEY) + (2**63).to_bytes(8, "big"),
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_payload_that_hand_over_does_not_write_is_refused(payload: bytes, elsewhere: LocalKeyService) -> None:
    """Anybody who has the public key can seal whatever they like."""
    with pytest.raises(BadCiphertext):
        take_over(PRIVATE, CONTEXT, seal_to(PUBLIC, BOUND, payload), elsewhere, TENANT)


def test_what_was_sealed_for_another_purpose_is_no_handover(elsewhere: LocalKeyService) -> None:
    payload = encode(LABEL, WHO, ONE + KEY, b"")
    assert take_over(PRIVATE, CONTEXT, seal_to(PUBLIC, BOUND, payload), elsewhere, TENANT)
    with pytest.raises(BadCiphertext):
        take_over(PRIVATE, CONTEXT, seal_to(PUBLIC, {**CONTEXT, "tenant": str(TENANT)}, payload), elsewhere, TENANT)


SPOILT: dict[str, Callable[[Vault], list[WrappedKey]]] = {
    "no row": lambda _: [],
    "a version twice": lambda vault: [vault.rows[0], vault.rows[0]],
    "none live": lambda vault: [WrappedKey(1, vault.service.key_id, b"", retired=True)],
}


@pytest.mark.parametrize("rows", SPOILT.values(), ids=SPOILT.keys())
def test_rows_that_are_no_keyring_are_not_handed_over(vault: Vault, rows: Callable[[Vault], list[WrappedKey]]) -> None:
    with pytest.raises(ValueError, match="one row for each version"):
        hand_over(vault.service, TENANT, rows(vault), PUBLIC, CONTEXT)


def test_nothing_is_handed_over_that_does_not_open_here(vault: Vault, elsewhere: LocalKeyService) -> None:
    with pytest.raises(BadCiphertext):
        hand_over(vault.service, OTHER_TENANT, vault.rows, PUBLIC, CONTEXT)
    with pytest.raises(KeyServiceDenied):
        hand_over(elsewhere, TENANT, vault.rows, PUBLIC, CONTEXT)
    short = vault.service.wrap(b"short", {**_wrapping(), "key-version": "1"})
    with pytest.raises(BadCiphertext):
        hand_over(vault.service, TENANT, [WrappedKey(1, vault.service.key_id, short)], PUBLIC, CONTEXT)


def _wrapping() -> dict[str, str]:
    from secrets_vault.keyring import wrapping_context  # noqa: PLC0415 - no part of the public surface

    return wrapping_context(str(TENANT), 1)


def test_keys_and_context_are_checked_before_anything_is_sealed(vault: Vault, elsewhere: LocalKeyService) -> None:
    with pytest.raises(BadKey):
        hand_over(vault.service, TENANT, vault.rows, PUBLIC[:-1], CONTEXT)
    with pytest.raises(BadKey):
        take_over(PUBLIC, CONTEXT, b"", elsewhere, TENANT)
    for reserved in ("purpose", "tenant"):
        with pytest.raises(ValueError, match="bound by the handover"):
            hand_over(vault.service, TENANT, vault.rows, PUBLIC, {reserved: "mine"})
