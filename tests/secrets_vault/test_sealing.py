"""Sealed to a recipient: the private key opens it, in its own context, unaltered."""

from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from hypothesis import given, settings
from hypothesis import strategies as st

from secrets_vault import BadCiphertext, BadKey, new_sealing_key, open_from, seal_to, sealing
from secrets_vault.opaque import Secret

CONTEXT = {"sender": "one", "recipient": "two", "message": "3"}
PLAINTEXT = b'{"a":1}'
PRIVATE, PUBLIC = new_sealing_key()
SEALED = seal_to(PUBLIC, CONTEXT, PLAINTEXT)
HEADER = 11 + 32
LENGTH = HEADER + 1120 + len(PLAINTEXT) + 16

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
contexts = st.dictionaries(text, text, max_size=4)


def test_opens_what_was_sealed_to_it() -> None:
    assert open_from(PRIVATE, CONTEXT, SEALED) == PLAINTEXT
    assert open_from(PRIVATE, dict(reversed(CONTEXT.items())), SEALED) == PLAINTEXT
    assert (len(PRIVATE), len(PUBLIC), len(SEALED)) == (43, 1227, LENGTH)


@settings(deadline=None, max_examples=40)
@given(context=contexts, other=contexts, plaintext=st.binary(max_size=2000))
def test_opens_in_its_own_context_alone(context: dict[str, str], other: dict[str, str], plaintext: bytes) -> None:
    sealed = seal_to(PUBLIC, context, plaintext)
    assert open_from(PRIVATE, context, sealed) == plaintext
    if other != context:
        with pytest.raises(BadCiphertext):
            open_from(PRIVATE, other, sealed)


def test_sealing_twice_gives_unlike_bytes() -> None:
    assert seal_to(PUBLIC, CONTEXT, PLAINTEXT)[HEADER:] != SEALED[HEADER:]


def test_another_private_key_does_not_open_it() -> None:
    stranger, strangers_public = new_sealing_key()
    with pytest.raises(BadCiphertext):
        open_from(stranger, CONTEXT, SEALED)
    addressed = seal_to(strangers_public, CONTEXT, b"")[:HEADER] + SEALED[HEADER:]
    for key in (stranger, PRIVATE):
        with pytest.raises(BadCiphertext):
            open_from(key, CONTEXT, addressed)


@pytest.mark.parametrize("position", [*range(HEADER), *range(HEADER, LENGTH - 60, 41), *range(LENGTH - 60, LENGTH)])
def test_a_flipped_byte_does_not_open(position: int) -> None:
    damaged = bytearray(SEALED)
    damaged[position] ^= 0x01
    with pytest.raises(BadCiphertext):
        open_from(PRIVATE, CONTEXT, bytes(damaged))


def test_a_truncated_or_lengthened_message_does_not_open() -> None:
    for damaged in (*(SEALED[:length] for length in range(LENGTH)), SEALED + b"\0", b"\0" + SEALED):
        with pytest.raises(BadCiphertext):
            open_from(PRIVATE, CONTEXT, damaged)


def test_the_header_is_bound_by_hpke_itself() -> None:
    """The same HPKE ciphertext without the header in `info` is another message."""
    halves = sealing._halves(Secret(PRIVATE[11:]))
    key = hpke.MLKEM768X25519PrivateKey(*halves)
    assert sealing._SUITE.decrypt(SEALED[HEADER:], key, info=sealing._info(SEALED[:HEADER], CONTEXT)) == PLAINTEXT
    other = SEALED[: HEADER - 1] + bytes([SEALED[HEADER - 1] ^ 1])  # whatever the recipient's last byte is
    with pytest.raises(InvalidTag):
        sealing._SUITE.decrypt(SEALED[HEADER:], key, info=sealing._info(other, CONTEXT))


WRONG_KEYS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut off": lambda key: key[:-1],
    "too long": lambda key: key + b"\0",
    "without its prefix": lambda key: key[11:],
    "another magic": lambda key: b"BHXX" + key[4:],
    "another format": lambda key: key[:4] + b"\2" + key[5:],
    "another suite": lambda key: key[:5] + b"\0\x20" + key[7:],
}


@pytest.mark.parametrize("spoil", WRONG_KEYS.values(), ids=WRONG_KEYS.keys())
def test_keys_of_unknown_kinds_are_refused(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BadKey):
        seal_to(spoil(PUBLIC), CONTEXT, PLAINTEXT)
    with pytest.raises(BadKey):
        open_from(spoil(PRIVATE), CONTEXT, SEALED)


def test_public_and_private_keys_are_not_confused() -> None:
    with pytest.raises(BadKey):
        seal_to(PRIVATE, CONTEXT, PLAINTEXT)
    with pytest.raises(BadKey):
        open_from(PUBLIC, CONTEXT, SEALED)


def test_an_impossible_ml_kem_key_is_refused() -> None:
    """Coefficients of 4095 are above the modulus of 3329 (FIPS 203, 7.2: the modulus check)."""
    with pytest.raises(BadKey):
        seal_to(PUBLIC[:11] + b"\xff" * 1152 + PUBLIC[11 + 1152 :], CONTEXT, PLAINTEXT)


def test_a_low_order_x25519_key_is_refused() -> None:
    with pytest.raises(BadKey):
        seal_to(PUBLIC[:-32] + bytes(32), CONTEXT, PLAINTEXT)


def test_a_context_is_a_mapping() -> None:
    with pytest.raises(TypeError):
        seal_to(PUBLIC, b"bytes", PLAINTEXT)  # type: ignore[arg-type]  # the refusal is the subject
