"""Certificates name whoever asks: principals are the portal's, the life is short, and the log comes first."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)
from django.db import connections

from tenants import compartment
from tenants.actions import builds, repositories, ssh_authorities, ssh_certificates
from tenants.actions.ssh_principals import plain
from tenants.compartment import Compartment
from tenants.errors import Invalid, NotFound, Refused
from tenants.pagination import PageRequest
from tenants.records.models import AuditRow, SSHAuthority
from tenants.records.models import SSHCertificate as Row
from tenants.roles import Role
from tests.conftest import Household, NewPerson, at_once

HOUR = timedelta(hours=1)


def public(key: object) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()  # type: ignore[attr-defined, no-any-return]


MINE = public(ed25519.Ed25519PrivateKey.generate())


@pytest.fixture
def trusted(household: Household) -> Household:
    with household.enter() as inside:
        ssh_authorities.create_authority(inside)
    return household


def parsed(certificate: str) -> SSHCertificate:
    found = load_ssh_public_identity(certificate.encode())
    assert isinstance(found, SSHCertificate)
    found.verify_cert_signature()
    return found


def test_a_certificate_names_its_person_and_role(trusted: Household, tmp_path: Path) -> None:
    with trusted.enter() as inside:
        issued = ssh_certificates.issue_certificate(inside, public_key=f"{MINE} me@here")
        authority = SSHAuthority.objects.get()
        row = Row.objects.get()
        [entry] = AuditRow.objects.filter(entry__contains='"ssh_certificate.issued"')
    certificate = parsed(issued.certificate)
    name = f"{trusted.slug}/github:{trusted.owner.uid}"
    assert certificate.valid_principals == [name.encode(), f"{trusted.slug}/role:owner".encode()]
    assert (certificate.type, certificate.critical_options) == (SSHCertificateType.USER, {})
    assert certificate.extensions == {b"permit-pty": b""}
    assert certificate.key_id.decode() == f"{name} owner" == row.key_id
    assert certificate.serial == row.serial == issued.serial
    assert public_of(certificate.signature_key()) == " ".join(authority.public.split()[:2])
    left = datetime.fromtimestamp(certificate.valid_before, UTC) - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    assert row.valid_until.timestamp() == certificate.valid_before
    assert name in entry.entry
    path = tmp_path / "key-cert.pub"
    path.write_text(issued.certificate)
    shown = subprocess.run(["ssh-keygen", "-L", "-f", path], capture_output=True, text=True, check=True).stdout
    assert f"Signing CA: ED25519 {authority.fingerprint}" in shown
    assert name in shown


def public_of(key: object) -> str:
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()  # type: ignore[attr-defined, no-any-return]


def test_a_principal_is_chosen_among_ones_own_alone(trusted: Household) -> None:
    role = f"{trusted.slug}/role:owner"
    with trusted.enter() as inside:
        issued = ssh_certificates.issue_certificate(inside, public_key=MINE, principals=[role])
        assert parsed(issued.certificate).valid_principals == [role.encode()]
        for wanted in ("root", f"{trusted.slug}/role:maintainer", f"{role},root", "", "other/role:owner"):
            with pytest.raises(Invalid) as refusal:
                ssh_certificates.issue_certificate(inside, public_key=MINE, principals=[role, wanted])
            assert list(refusal.value.fields) == ["principals"]
        assert Row.objects.count() == 1


def test_the_role_is_that_of_the_moment(trusted: Household, new_person: NewPerson) -> None:
    member = trusted.join(new_person("mo ed,x"), Role.MEMBER)
    with trusted.enter(member) as inside:
        issued = ssh_certificates.issue_certificate(inside, public_key=MINE)
    assert issued.principals == [f"{trusted.slug}/github:{member.uid}", f"{trusted.slug}/role:member"]
    assert issued.key_id.endswith(" mo_ed_x")


@pytest.mark.parametrize("life", [timedelta(seconds=59), timedelta(hours=8, seconds=1), -HOUR])
def test_a_life_is_short(trusted: Household, life: timedelta) -> None:
    with trusted.enter() as inside, pytest.raises(Invalid, match="ttl"):
        ssh_certificates.issue_certificate(inside, public_key=MINE, life=life)


def test_it_may_be_for_some_networks_alone(trusted: Household) -> None:
    with trusted.enter() as inside:
        issued = ssh_certificates.issue_certificate(
            inside, public_key=MINE, life=8 * HOUR, source_addresses=["192.0.2.0/24", "2001:db8::1"]
        )
        for wrong in ("192.0.2.1/24", "*", "!192.0.2.1", "fe80::1%a,0.0.0.0/0", "host"):
            with pytest.raises(Invalid, match="source_addresses"):
                ssh_certificates.issue_certificate(inside, public_key=MINE, source_addresses=[wrong])
    assert parsed(issued.certificate).critical_options == {b"source-address": b"192.0.2.0/24,2001:db8::1/128"}


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("", "one line"),
        (f"{MINE}\n{MINE}", "one line"),
        (f'command="sh" {MINE}', "one line"),
        ("A" * 3000, "one line"),
        (MINE[:40], "no public key"),
        (public(rsa.generate_private_key(65537, 2048)), "RSA of 2048 bits"),
        ("ssh-dss AAAAB3NzaC1kc3MAAA==", "DSA"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "certificate already"),
        ("sk-ssh-ed25519@openssh.com AAAA", "hardware"),
    ],
    ids=["empty", "two", "options", "long", "half", "short RSA", "DSA", "certificate", "hardware"],
)
def test_a_key_that_is_not_certified(trusted: Household, key: str, says: str) -> None:
    with trusted.enter() as inside, pytest.raises(Invalid) as refusal:
        ssh_certificates.issue_certificate(inside, public_key=key)
    assert says in refusal.value.fields["public_key"]


def test_the_oldest_authority_signs_until_it_is_retired(trusted: Household) -> None:
    """Hosts don't know the next one at once: making it must change nothing for anybody."""
    with trusted.enter() as inside:
        newer = ssh_authorities.create_authority(inside)
        assert newer == ssh_authorities.list_authorities(inside)[0]
        older = ssh_authorities.list_authorities(inside)[1]
        assert ssh_authorities.signer_of(inside) == older.id
        assert _signed_by(ssh_certificates.issue_certificate(inside, public_key=MINE)) == older.public.split()[1]
        assert ssh_authorities.retire_authority(inside, older.id).retired_at is not None
        assert ssh_authorities.signer_of(inside) == newer.id
        assert _signed_by(ssh_certificates.issue_certificate(inside, public_key=MINE)) == newer.public.split()[1]
        ssh_authorities.retire_authority(inside, newer.id)
        assert set(SSHAuthority.objects.values_list("sealed", flat=True)) == {None}
        with pytest.raises(Invalid, match="authority"):
            ssh_certificates.issue_certificate(inside, public_key=MINE)
        with pytest.raises(Invalid, match="authority"):
            ssh_authorities.retire_authority(inside, older.id)
        listed = ssh_authorities.list_certificates(inside, PageRequest(size=1))
        assert listed.next == str(listed.items[0].serial)
        [first] = ssh_authorities.list_certificates(inside, PageRequest(after=listed.next)).items
        assert first.serial < listed.items[0].serial


def _signed_by(issued: ssh_certificates.Issued) -> str:
    return public_of(parsed(issued.certificate).signature_key()).split()[1]


def test_an_authority_that_is_retired_meanwhile_signs_nothing(
    trusted: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ssh_certificates._signer

    def then_retired(inside: Compartment) -> ssh_certificates._Signer:
        found = read(inside)
        at_once(lambda: retire(found.authority), times=1)
        return found

    def retire(authority: SSHAuthority) -> None:
        with trusted.enter() as inside:
            ssh_authorities.retire_authority(inside, authority.id)

    monkeypatch.setattr(ssh_certificates, "_signer", then_retired)
    with trusted.enter() as inside, pytest.raises(Invalid, match="authority"):
        ssh_certificates.issue_certificate(inside, public_key=MINE)
    with trusted.enter():
        assert not Row.objects.exists()
        assert not AuditRow.objects.filter(entry__contains='"ssh_certificate.issued"').exists()


def test_so_many_authorities_and_no_more(trusted: Household) -> None:
    with trusted.enter() as inside:
        for _ in range(ssh_authorities.MAX_LIVE - 1):
            ssh_authorities.create_authority(inside)
        with pytest.raises(Invalid, match="authority"):
            ssh_authorities.create_authority(inside)


def test_so_many_also_when_all_are_made_at_once(household: Household) -> None:
    def make() -> bool:
        with household.enter() as inside, suppress(Invalid):
            ssh_authorities.create_authority(inside)
            return True
        return False

    assert sum(at_once(make, times=5)) == ssh_authorities.MAX_LIVE
    with household.enter() as inside:
        assert len(ssh_authorities.list_authorities(inside)) == ssh_authorities.MAX_LIVE


def test_the_authority_is_sealed_and_the_tenants_own(trusted: Household, neighbour: Household) -> None:
    with trusted.enter() as inside:
        authority = SSHAuthority.objects.get()
        assert b"OPENSSH" not in bytes(authority.sealed or b"")
        private = inside.open(ssh_authorities.place_of(inside, authority.id), bytes(authority.sealed or b""))
    assert private.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    with neighbour.enter() as inside, pytest.raises(NotFound):
        ssh_authorities.get_authority(inside, authority.id)


def test_who_may(trusted: Household, new_person: NewPerson) -> None:
    member = trusted.join(new_person("member"), Role.MEMBER)
    auditor = trusted.join(new_person("auditor"), Role.AUDITOR)
    with trusted.enter(member) as inside, pytest.raises(Refused):
        ssh_authorities.create_authority(inside)
    with trusted.enter(auditor) as inside:
        [authority] = ssh_authorities.list_authorities(inside)
        with pytest.raises(Refused):
            ssh_certificates.issue_certificate(inside, public_key=MINE)
        with pytest.raises(Refused):
            ssh_authorities.retire_authority(inside, authority.id)


def test_nothing_is_signed_when_the_log_can_not_be_written(trusted: Household) -> None:
    schema = trusted.tenant.schema
    with connections["provisioner"].cursor() as cursor:
        cursor.execute(f"REVOKE INSERT (entry) ON {schema}.audit FROM {schema}")
    with trusted.enter() as inside:
        with pytest.raises(Exception, match="permission denied"):
            ssh_certificates.issue_certificate(inside, public_key=MINE)
        assert not Row.objects.exists()


def test_a_build_is_named_by_its_repository_and_lives_no_longer(trusted: Household) -> None:
    with trusted.enter() as inside:
        repositories.create_repository(inside, name="acme/my api", url="", labels=[])
        started = builds.start_build(inside, repository="acme/my api", revision="", overrides={}, ttl=600)
    build = started.build
    actor = replace(trusted.actor(), build_id=build.id)
    with compartment.enter(trusted.slug, actor) as inside:
        issued = ssh_certificates.issue_certificate(inside, public_key=MINE, life=HOUR)
        with pytest.raises(Invalid, match="principals"):
            ssh_certificates.issue_certificate(inside, public_key=MINE, principals=[f"{trusted.slug}/role:owner"])
        builds.end_build(inside, build.id, outcome="succeeded")
        with pytest.raises(NotFound):
            ssh_certificates.issue_certificate(inside, public_key=MINE)
    certificate = parsed(issued.certificate)
    assert certificate.valid_principals == [f"{trusted.slug}/build:acme/my%20api".encode()]
    assert certificate.key_id == f"{trusted.slug}/build:{build.id} acme/my%20api".encode()
    assert certificate.extensions == {}
    assert certificate.valid_before == int(build.ends_by.timestamp())


def test_a_long_builds_certificates_are_short_and_on_its_page(trusted: Household) -> None:
    with trusted.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        build = builds.start_build(inside, repository="api", revision="", overrides={}, ttl=6 * 3600).build
    with compartment.enter(trusted.slug, replace(trusted.actor(), build_id=build.id)) as inside:
        issued = ssh_certificates.issue_certificate(inside, public_key=MINE, life=8 * HOUR)
    assert timedelta(minutes=14) < issued.valid_until - datetime.now(UTC) <= timedelta(minutes=15)
    with trusted.enter():  # the build's page finds its entries by this
        acts = AuditRow.objects.filter(entry__contains=f'"build":"{build.id}"').values_list("entry", flat=True)
        assert [f'"serial":{issued.serial}' in act for act in acts if '"ssh_certificate.issued"' in act] == [True]


def test_any_two_names_stay_two() -> None:
    assert plain("a b,c%") == "a%20b%2Cc%25"
