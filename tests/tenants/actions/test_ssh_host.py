"""A certificate at a host: it lets in whom the certificate names, where the host says so, and nobody else."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tenants import compartment
from tenants.actions import builds, repositories, ssh_authorities, ssh_certificates
from tenants.actor import Actor
from tests.conftest import Household
from tests.ssh_server import Host, serving


def new_key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_suffix(".pub").read_text()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with serving(tmp_path) as host:
        yield host


@pytest.fixture
def authority(household: Household) -> str:
    with household.enter() as inside:
        return ssh_authorities.create_authority(inside).public


def trust(host: Host, authority: str, principals: Sequence[str]) -> None:
    host.authorize(f'cert-authority,principals="{",".join(principals)}" {authority}')


def certified(
    household: Household, key: Path, build_id: uuid.UUID | None = None, **asked: object
) -> ssh_certificates.Issued:
    actor = Actor.person(household.owner.id, "owner", build_id=build_id)
    with compartment.enter(household.slug, actor) as inside:
        issued = ssh_certificates.issue_certificate(
            inside,
            public_key=new_key(key),
            **asked,  # type: ignore[arg-type]  # each test's own
        )
    key.with_name(f"{key.name}-cert.pub").write_text(issued.certificate)
    return issued


def test_the_host_decides_by_name(host: Host, household: Household, authority: str, tmp_path: Path) -> None:
    key = tmp_path / "mine"
    issued = certified(household, key)
    for name in issued.principals:
        trust(host, authority, [name])
        assert host.lets_in(key)
    for others in (["nobody"], [f"{household.slug}/role:member"], ["root"]):
        trust(host, authority, others)
        assert not host.lets_in(key)


def test_without_its_certificate_a_key_opens_nothing(
    host: Host, household: Household, authority: str, tmp_path: Path
) -> None:
    issued = certified(household, tmp_path / "mine")
    trust(host, authority, issued.principals)
    (tmp_path / "mine-cert.pub").unlink()
    assert not host.lets_in(tmp_path / "mine")


def test_another_tenants_certificate_is_not_accepted(
    host: Host, household: Household, neighbour: Household, authority: str, tmp_path: Path
) -> None:
    with neighbour.enter() as inside:
        theirs = ssh_authorities.create_authority(inside).public
    issued = certified(neighbour, tmp_path / "theirs")
    names = [*issued.principals, f"{household.slug}/role:owner"]
    trust(host, authority, names)
    assert not host.lets_in(tmp_path / "theirs")
    trust(host, theirs, names)
    assert host.lets_in(tmp_path / "theirs")


def test_it_is_bound_to_its_networks(host: Host, household: Household, authority: str, tmp_path: Path) -> None:
    for name, network, entered in (("far", "192.0.2.0/24", False), ("near", "127.0.0.0/8", True)):
        issued = certified(household, tmp_path / name, source_addresses=[network], life=timedelta(minutes=1))
        trust(host, authority, issued.principals)
        assert host.lets_in(tmp_path / name) is entered


def test_a_build_is_named_by_its_repository_and_gets_no_terminal(
    host: Host, household: Household, authority: str, tmp_path: Path
) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="acme/api", url="", labels=[])
        build = builds.start_build(inside, repository="acme/api", revision="", overrides={}, ttl=3600).build
    refused = "PTY allocation request failed"
    for name, principal, build_id in (("build", "build:acme/api", build.id), ("owner", "role:owner", None)):
        certified(household, tmp_path / name, build_id)
        trust(host, authority, [f"{household.slug}/{principal}"])
        assert host.lets_in(tmp_path / name)
        assert (refused in host.visited(tmp_path / name, "-tt").stderr) is (name == "build")
