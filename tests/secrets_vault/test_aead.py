"""AES-256-GCM with 32-byte keys and nonces that nobody chooses. NIST's vectors are in test_vectors.py."""

import pytest

from secrets_vault import BadCiphertext
from secrets_vault.aead import Key


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33, 64])
def test_keys_of_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Key(bytes(length))


def test_no_nonce_comes_twice() -> None:
    key = Key(bytes(32))
    assert len({key.encrypt(b"", b"")[0] for _ in range(1000)}) == 1000


@pytest.mark.parametrize("length", [0, 8, 11, 13, 16])
def test_nonces_of_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(BadCiphertext):
        Key(bytes(32)).decrypt(bytes(length), bytes(32), b"")


@pytest.mark.parametrize("length", [0, 1, 12, 15])
def test_a_shortened_tag_is_refused(length: int) -> None:
    key = Key(bytes(32))
    nonce, ciphertext = key.encrypt(b"", b"bound")
    with pytest.raises(BadCiphertext):
        key.decrypt(nonce, ciphertext[:length], b"bound")
