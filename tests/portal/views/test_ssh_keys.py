"""The pages of SSH keys: the private half goes in and never comes out."""

from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from tenants.actions import ssh_certificates
from tenants.records.models import SSHAuthority, SSHKey
from tests.conftest import Household, NewPerson
from tests.portal.views.conftest import NewVisitor, Visitor, text

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


HOST = "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBVtYW55IGJ5dGVzIG9mIGEga2V5IGFyZSBoZXJlIQ=="


def made(household: Household, owner: Visitor, **more: str) -> SSHKey:
    owner.after(owner.post("ssh-keys/generate/", name="deploy", filters="team=core", **more))
    with household.enter():
        return SSHKey.objects.get()


def test_a_key_is_rotated_and_the_old_one_retired_after_being_asked(household: Household, owner: Visitor) -> None:
    first = made(household, owner)
    assert re.search(r'value="ed25519"[^>]*checked', owner.get(f"ssh-keys/{first.id}/rotate/").content.decode())
    shown = owner.after(owner.post(f"ssh-keys/{first.id}/rotate/", algorithm="ed25519"))
    assert "Generation 2 of deploy was made." in shown
    assert first.fingerprint in shown
    assert "2 generations" in text(owner.get("ssh-keys/"))
    assert first.fingerprint in text(owner.get(f"ssh-keys/{first.id}/retire/"))
    answer = owner.post(f"ssh-keys/{first.id}/retire/")
    assert str(first.id) not in answer.headers["Location"], "the newest is what is in use"
    assert "Generation 1 was retired." in owner.after(answer)
    assert "Put this line" not in text(owner.get(f"ssh-keys/{first.id}/"))
    again = owner.post(f"ssh-keys/{first.id}/retire/")
    assert "retired already" in text(again)
    assert re.search(r"<title>\s*Error:", again.content.decode()), "who listens to the page hears it first"
    assert "shredded" in text(owner.get(f"ssh-keys/{first.id}/"))


def test_a_key_is_changed(household: Household, owner: Visitor) -> None:
    key = made(household, owner, description="for git", known_hosts=HOST)
    assert "team=core" in owner.get(f"ssh-keys/{key.id}/edit/").content.decode()
    form = {"description": "for all", "filters": "", "everyone": "on", "known_hosts": ""}
    assert "for all" in owner.after(owner.post(f"ssh-keys/{key.id}/edit/", **form))
    wrong = owner.post(f"ssh-keys/{key.id}/edit/", **{**form, "known_hosts": "hello"})
    assert wrong.status_code == 422
    assert "Line 1" in text(wrong)
    with household.enter():
        assert SSHKey.objects.get().known_hosts == ""


def test_an_authority_is_made_shown_and_retired(household: Household, owner: Visitor) -> None:
    assert "No authority yet" in text(owner.get("ssh-authorities/"))
    assert "Make the authority?" in text(owner.get("ssh-authorities/new/"))
    shown = owner.after(owner.post("ssh-authorities/new/"))
    assert "TrustedUserCAKeys" in shown
    assert "Make the next authority?" in text(owner.get("ssh-authorities/new/"))
    with household.enter() as inside:
        authority = SSHAuthority.objects.get()
        issued = ssh_certificates.issue_certificate(inside, public_key=authority.public)
    assert authority.public in owner.get("ssh-authorities/").content.decode()
    assert issued.principals[0] in text(owner.get("ssh-authorities/"))
    retire = f"ssh-authorities/{authority.id}/retire/"
    assert authority.fingerprint in text(owner.get(retire))
    assert "was retired" in owner.after(owner.post(retire))
    assert "retired already" in text(owner.post(retire))


def test_retiring_an_authority_says_who_signs_then(household: Household, owner: Visitor) -> None:
    for _ in range(2):
        owner.after(owner.post("ssh-authorities/new/"))
    with household.enter():
        older, newer = SSHAuthority.objects.order_by("created_at")
    assert f"From now on {newer.fingerprint} signs" in text(owner.get(f"ssh-authorities/{older.id}/retire/"))
    assert "From now on" not in text(owner.get(f"ssh-authorities/{newer.id}/retire/"))
    owner.after(owner.post(f"ssh-authorities/{older.id}/retire/"))
    assert "nobody gets a certificate" in text(owner.get(f"ssh-authorities/{newer.id}/retire/"))


def test_a_member_sees_the_authority_and_makes_none(
    household: Household, owner: Visitor, visit: NewVisitor, new_person: NewPerson
) -> None:
    owner.post("ssh-authorities/new/")
    member = visit(household, household.join(new_person("member")))
    page = member.get("ssh-authorities/")
    assert "TrustedUserCAKeys" in text(page)
    assert "ssh-authorities/new/" not in page.content.decode()
    assert member.post("ssh-authorities/new/").status_code == 403
