"""One ciphertext, two keys: GCM lets it open under both, the commitment under one alone."""

import hashlib
import hmac
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from secrets_vault import BadCiphertext, aead, derivation, envelope, open_sealed
from secrets_vault.binding import Place
from secrets_vault.blob import KIND, Blob
from secrets_vault.opaque import Secret
from tests.secrets_vault.conftest import PLACE, Vault

NONCE = bytes(range(12))


def multiply(x: int, y: int) -> int:
    """In GHASH's field (SP 800-38D, 6.3): the most significant bit is the coefficient of 1."""
    product = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            product ^= y
        y = y >> 1 ^ (0xE1 << 120 if y & 1 else 0)
    return product


def inverse(x: int) -> int:
    """x to the power of 2**128 - 2."""
    result, square = 1 << 127, x
    for _ in range(127):
        square = multiply(square, square)
        result = multiply(result, square)
    return result


def block(key: bytes, data: bytes) -> int:
    encryptor = Cipher(algorithms.AES256(key), modes.ECB()).encryptor()  # noqa: S305 - one raw block, to build an attack
    return int.from_bytes(encryptor.update(data), "big")


def collide(first: bytes, second: bytes, associated: bytes) -> bytes:
    """One block of ciphertext and a tag that both keys accept with NONCE and this associated data.

    Each tag is a polynomial in the key's H with the block as coefficient of H**2: both tags equal is linear in it.
    """
    padded = associated + bytes(-len(associated) % 16)
    head = [int.from_bytes(padded[i : i + 16], "big") for i in range(0, len(padded), 16)]
    lengths = (len(associated) * 8) << 64 | 128

    def tag(key: bytes, ciphertext: int) -> int:
        h, y = block(key, bytes(16)), 0
        for value in (*head, ciphertext, lengths):
            y = multiply(y ^ value, h)
        return y ^ block(key, NONCE + b"\0\0\0\1")

    squares = [multiply(h, h) for h in (block(first, bytes(16)), block(second, bytes(16)))]
    ciphertext = multiply(tag(first, 0) ^ tag(second, 0), inverse(squares[0] ^ squares[1]))
    return b"".join(value.to_bytes(16, "big") for value in (ciphertext, tag(first, ciphertext)))


def payload_key(item_key: bytes, binding: bytes) -> tuple[bytes, bytes]:
    """HKDF-Expand by RFC 5869's text, apart from the vault's code: one block, 32 bytes of key and 32 of commitment."""
    output = hmac.digest(item_key, binding + b"\1", hashlib.sha512)
    return output[:32], output[32:]


def payload_binding(vault: Vault, place: Place = PLACE) -> bytes:
    key = vault.keyring.current
    return envelope._prefixes(key.version, key.name)[0] + place.encoded


def forge(vault: Vault, item_key: bytes, commitment: bytes, ciphertext: bytes) -> bytes:
    """What somebody who holds the tenant's key could store."""
    key = vault.keyring.current
    wrapping = envelope._prefixes(key.version, key.name)[1] + PLACE.encoded
    nonce, wrapped = key.wrap(Secret(item_key), wrapping)
    head = (KIND, key.id, key.version, nonce, wrapped, key.version)
    return Blob._make((*head, commitment, NONCE, len(ciphertext), ciphertext)).pack()


def test_a_ciphertext_that_opens_under_two_keys_opens_for_one_alone(vault: Vault) -> None:
    binding = payload_binding(vault)
    first, second = b"\1" * 32, b"\2" * 32
    (key, commitment), (other_key, other_commitment) = payload_key(first, binding), payload_key(second, binding)
    ciphertext = collide(key, other_key, binding)
    plaintext, other_plaintext = (AESGCM(k).decrypt(NONCE, ciphertext, binding) for k in (key, other_key))
    assert plaintext != other_plaintext  # GCM accepts both

    assert open_sealed(vault.keyring, PLACE, forge(vault, first, commitment, ciphertext)) == plaintext
    assert open_sealed(vault.keyring, PLACE, forge(vault, second, other_commitment, ciphertext)) == other_plaintext
    with pytest.raises(BadCiphertext):
        open_sealed(vault.keyring, PLACE, forge(vault, second, commitment, ciphertext))
    with pytest.raises(BadCiphertext):
        open_sealed(vault.keyring, PLACE, forge(vault, first, other_commitment, ciphertext))


@pytest.mark.parametrize("position", range(32))
def test_a_wrong_commitment_is_refused_before_anything_is_decrypted(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, position: int
) -> None:
    parts, decrypted = Blob.parse(vault.sealed), []
    honest = aead.decrypt

    def watched(key: AESGCM, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
        decrypted.append(ciphertext)
        return honest(key, nonce, ciphertext, associated)

    monkeypatch.setattr(aead, "decrypt", watched)
    commitment = bytearray(parts.commitment)
    commitment[position] ^= 0x10
    with pytest.raises(BadCiphertext):
        open_sealed(vault.keyring, PLACE, parts._replace(commitment=bytes(commitment)).pack())
    assert decrypted == [parts.wrapped]  # the item key, never the payload


def test_the_commitment_names_the_place_too(vault: Vault) -> None:
    here, there = payload_binding(vault), payload_binding(vault, replace(PLACE, version=4))
    item_key = b"\1" * 32
    assert derivation.payload_key(item_key, here)[1] == payload_key(item_key, here)[1]
    assert derivation.payload_key(item_key, there)[1] != derivation.payload_key(item_key, here)[1]


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64, 128])
def test_an_item_key_of_another_length_is_refused(length: int) -> None:
    """HMAC pads with zeros: 31 bytes and those with a zero behind them would be one key with one commitment."""
    with pytest.raises(ValueError, match="32 bytes"):
        derivation.payload_key(bytes(length), b"")
