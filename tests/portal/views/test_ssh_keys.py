"""The pages of SSH keys: the private half goes in and never comes out."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from tenants.records.models import SSHKey
from tests.conftest import Household
from tests.portal.views.conftest import Visitor, text

PASSPHRASE = "canary-passphrase-77"


def pem(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey, locked: KeySerializationEncryption | None = None) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, locked or NoEncryption()).decode()


@pytest.fixture
def private() -> str:
    return pem(ed25519.Ed25519PrivateKey.generate(), BestAvailableEncryption(PASSPHRASE.encode()))


def test_a_key_is_made(household: Household, owner: Visitor) -> None:
    answer = owner.post("ssh-keys/generate/", name="deploy", filters="team=core")
    page = owner.client.get(answer.headers["Location"]).content.decode()
    assert "ssh-ed25519 AAAA" in page
    assert "PRIVATE KEY" not in page
    with household.enter():
        key = SSHKey.objects.get()
    assert key.fingerprint in page
    assert "deploy" in text(owner.get("ssh-keys/"))


def test_an_empty_filter_is_asked_about(household: Household, owner: Visitor) -> None:
    assert owner.post("ssh-keys/generate/", name="deploy", filters="").status_code == 422
    with household.enter():
        assert not SSHKey.objects.exists()


def test_a_preview_makes_no_key(household: Household, owner: Visitor) -> None:
    assert owner.post("ssh-keys/generate/", name="deploy", filters="team=core", preview="1").status_code == 200
    with household.enter():
        assert not SSHKey.objects.exists()


def test_a_key_is_imported(owner: Visitor, private: str) -> None:
    answer = owner.post("ssh-keys/import/", name="old", filters="a=b", private_key=private, passphrase=PASSPHRASE)
    page = owner.after(answer)
    assert "old was imported and sealed." in page
    assert "came under a passphrase" in page


def test_what_is_secret_is_not_given_back(household: Household, owner: Visitor, private: str) -> None:
    answer = owner.post("ssh-keys/import/", name="old", filters="a=b", private_key=private, passphrase="wrong-canary")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="old"' in page
    assert private.splitlines()[1] not in page
    assert "wrong-canary" not in page
    assert 'aria-invalid="true"' in page
    with household.enter():
        assert not SSHKey.objects.exists()


def test_a_weak_key_is_refused_with_the_reason(owner: Visitor) -> None:
    weak = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    answer = owner.post("ssh-keys/import/", name="weak", filters="a=b", private_key=weak)
    assert answer.status_code == 422
    assert "RSA of 2048 bits is too weak" in text(answer)


def test_a_key_is_deleted_after_being_asked(household: Household, owner: Visitor) -> None:
    owner.after(owner.post("ssh-keys/generate/", name="deploy", filters="", everyone="on"))
    with household.enter():
        key = SSHKey.objects.get()
    assert key.fingerprint in text(owner.get(f"ssh-keys/{key.id}/delete/"))
    assert "deploy was deleted." in owner.after(owner.post(f"ssh-keys/{key.id}/delete/"))
    with household.enter():
        assert not SSHKey.objects.exists()
