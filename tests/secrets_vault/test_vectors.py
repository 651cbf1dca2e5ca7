"""Published vectors, through the vault's own layers: NIST's for GCM, RFC 5869's shape for HKDF, the IETF's for HPKE."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import cryptography_vectors
import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from secrets_vault import BadCiphertext, sealing
from secrets_vault.aead import Key
from secrets_vault.derivation import extract_and_expand, payload_key
from secrets_vault.opaque import Secret

VECTORS = Path(cryptography_vectors.__file__).parent
GCM = VECTORS / "ciphers" / "AES" / "GCM"


def nist(name: str) -> Iterator[dict[str, str]]:
    """The cases of a NIST response file that fit AES-256-GCM as the vault uses it: 96-bit nonce, 128-bit tag."""
    sizes: dict[str, str] = {}
    for paragraph in (GCM / name).read_text().replace("\r", "").split("\n\n"):
        lines = paragraph.strip().splitlines()
        if lines and lines[0].startswith("["):
            sizes = dict(line.strip("[]").split(" = ") for line in lines)
        elif lines and lines[0].startswith("Count") and (sizes["IVlen"], sizes["Taglen"]) == ("96", "128"):
            yield {"FAIL": "", **dict(line.partition(" =")[::2] for line in lines)}


def opened(case: dict[str, str]) -> bytes:
    field = {name: bytes.fromhex(value) for name, value in case.items() if name not in {"Count", "FAIL"}}
    return Key(field["Key"]).decrypt(field["IV"], field["CT"] + field["Tag"], field["AAD"])


def test_gcm_opens_nists_ciphertexts() -> None:
    cases = [case for name in ("gcmDecrypt256.rsp", "gcmEncryptExtIV256.rsp") for case in nist(name) if "PT" in case]
    assert len(cases) > 500
    for case in cases:
        assert opened(case) == bytes.fromhex(case["PT"]), case["Count"]


def test_gcm_refuses_what_nist_spoilt() -> None:
    cases = [case for case in nist("gcmDecrypt256.rsp") if "PT" not in case]
    assert len(cases) > 100
    for case in cases:
        with pytest.raises(BadCiphertext):
            opened(case)


@pytest.mark.parametrize("length", [1, 16, 32, 64, 65, 255 * 64])
def test_hkdf_is_that_of_rfc_5869(length: int) -> None:
    """The RFC has no vectors for SHA-512, so its two formulas stand here, over HMAC alone."""
    secret, info = bytes(range(32)), b"a context"
    extracted = hmac.digest(bytes(64), secret, hashlib.sha512)
    output, block = b"", b""
    for counter in range(1, 256):
        block = hmac.digest(extracted, block + info + bytes([counter]), hashlib.sha512)
        output += block
    assert extract_and_expand(secret, info, length) == output[:length]


@pytest.mark.parametrize("length", [0, 1, 110, 111, 127, 128, 1000])
def test_payload_key_and_commitment_are_hkdfs_second_half(length: int) -> None:
    """Against the library's own HKDF-Expand, which the vault doesn't call for its slowness."""
    item_key, binding = bytes(range(32)), bytes(length)
    output = HKDFExpand(hashes.SHA512(), 64, binding).derive(item_key)
    key, commitment = payload_key(item_key, binding)
    assert commitment == output[32:]
    assert key.decrypt(bytes(12), AESGCM(output[:32]).encrypt(bytes(12), b"plain", b"data"), b"data") == b"plain"


def hybrid() -> dict[str, str]:
    cases = json.loads((VECTORS / "HPKE" / "hpke-pq-test-vectors.json").read_text())
    found = [case for case in cases if (case["kem_id"], case["kdf_id"], case["aead_id"]) == (0x647A, 1, 3)]
    assert len(found) == 1
    case, first = found[0], found[0]["encryptions"][0]
    return {**{name: value for name, value in case.items() if isinstance(value, str)}, **first}


def test_a_sealing_key_expands_as_the_drafts_seed_does() -> None:
    case = hybrid()
    halves = sealing._halves(Secret(bytes.fromhex(case["skRm"])))
    assert sealing._serialise_public(*halves) == sealing._PUBLIC + bytes.fromhex(case["pkRm"])


def test_hpke_opens_the_drafts_ciphertext() -> None:
    """With the vault's suite and key. The vector has associated data, for which the library has a door for tests."""
    case = {name: bytes.fromhex(value) for name, value in hybrid().items()}
    key = MLKEM768X25519PrivateKey(*sealing._halves(Secret(case["skRm"])))
    assert (
        openssl.hpke._decrypt_with_aad(sealing._SUITE, case["enc"] + case["ct"], key, case["info"], case["aad"])
        == case["pt"]
    )
