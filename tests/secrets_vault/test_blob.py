"""The bytes of a blob: each of them counts, none may be missing, none may follow."""

import pytest

from secrets_vault import BadCiphertext, BlobHeader, describe, open_sealed
from secrets_vault.blob import Blob
from tests.secrets_vault.conftest import PLACE, PLAINTEXT, Vault

LENGTH = 138 + len(PLAINTEXT) + 16

FIELDS = {  # name: first byte, past the last byte; written out so that a change of the format is seen here
    "kind": (0, 6),
    "key_id": (6, 22),
    "key_version": (22, 26),
    "wrap_nonce": (26, 38),
    "wrapped": (38, 86),
    "origin_version": (86, 90),
    "commitment": (90, 122),
    "nonce": (122, 134),
    "length": (134, 138),
    "ciphertext": (138, LENGTH),
}


def test_the_fields_lie_where_the_drawing_has_them(vault: Vault) -> None:
    parts = Blob.parse(vault.sealed)
    assert tuple(FIELDS) == Blob._fields
    assert len(vault.sealed) == LENGTH
    for name, (start, end) in FIELDS.items():
        value = getattr(parts, name)
        raw = value if isinstance(value, bytes) else value.to_bytes(end - start, "big")
        assert vault.sealed[start:end] == raw, name


def test_it_packs_as_it_parsed(vault: Vault) -> None:
    assert Blob.parse(vault.sealed).pack() == vault.sealed


def test_it_describes_itself_without_a_key(vault: Vault) -> None:
    key = vault.keyring.current
    assert describe(vault.sealed) == BlobHeader(
        format=1,
        algorithm="AES-256-GCM, HKDF-SHA-512",
        key_id=key.id.hex(),
        key_version=2,
        origin_version=2,
        plaintext_bytes=len(PLAINTEXT),
    )


@pytest.mark.parametrize("bit", [0, 7])
@pytest.mark.parametrize("position", range(LENGTH))
def test_a_flipped_bit_does_not_open(vault: Vault, position: int, bit: int) -> None:
    damaged = bytearray(vault.sealed)
    damaged[position] ^= 1 << bit
    with pytest.raises(BadCiphertext):
        open_sealed(vault.keyring, PLACE, bytes(damaged))


@pytest.mark.parametrize("length", range(LENGTH))
def test_a_truncated_blob_does_not_open(vault: Vault, length: int) -> None:
    for damaged in (vault.sealed[:length], vault.sealed[-length:] if length else b""):
        with pytest.raises(BadCiphertext):
            open_sealed(vault.keyring, PLACE, damaged)
        with pytest.raises(BadCiphertext):
            describe(damaged)


@pytest.mark.parametrize("length", range(16, 16 + len(PLAINTEXT)))
def test_a_truncated_blob_that_says_so_does_not_open(vault: Vault, length: int) -> None:
    parts = Blob.parse(vault.sealed)
    with pytest.raises(BadCiphertext):
        open_sealed(vault.keyring, PLACE, parts._replace(length=length, ciphertext=parts.ciphertext[:length]).pack())


@pytest.mark.parametrize("tail", [b"\0", b"x" * 16, bytes(1000)])
def test_bytes_left_over_are_refused(vault: Vault, tail: bytes) -> None:
    parts = Blob.parse(vault.sealed)
    admitted = parts._replace(length=parts.length + len(tail), ciphertext=parts.ciphertext + tail).pack()
    for damaged in (vault.sealed + tail, tail + vault.sealed, admitted):
        with pytest.raises(BadCiphertext):
            open_sealed(vault.keyring, PLACE, damaged)


@pytest.mark.parametrize(
    ("at", "value"),
    [(0, b"BHSX"), (0, b"bhsv"), (4, b"\0"), (4, b"\2"), (4, b"\xff"), (5, b"\0"), (5, b"\2"), (5, b"\xff")],
)
def test_unknown_values_are_refused_without_any_key(vault: Vault, at: int, value: bytes) -> None:
    with pytest.raises(BadCiphertext):
        describe(vault.sealed[:at] + value + vault.sealed[at + len(value) :])
