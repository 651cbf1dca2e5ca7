"""A certificate at a real host: OpenSSH's own server lets in whom it names, where the host says so, and nobody else."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tenants.actions import ssh_authorities, ssh_certificates
from tests.conftest import Household

SSHD = os.environ.get("BULKHEAD_TEST_SSHD") or shutil.which("sshd", path=f"/usr/sbin:{os.environ.get('PATH', '')}")


def _may_serve() -> bool:
    """Return whether a server can be started: one of root's also wants an account to drop its privileges to."""
    try:
        return SSHD is not None and (os.geteuid() != 0 or bool(pwd.getpwnam("sshd")))
    except KeyError:
        return False


pytestmark = pytest.mark.skipif(not _may_serve(), reason="there is no OpenSSH server here (Debian: openssh-server)")

CONFIGURATION = """
HostKey {home}/host
TrustedUserCAKeys {home}/authority.pub
AuthorizedPrincipalsFile {home}/principals
AuthorizedKeysFile none
AuthenticationMethods publickey
StrictModes no
PermitRootLogin prohibit-password
LogLevel VERBOSE
"""


@dataclass(frozen=True)
class Host:
    home: Path

    def lets_in(self, principals: Sequence[str], key: Path) -> tuple[bool, str]:
        """Return whether a command ran, as the account that runs the tests, and what the server's log says."""
        (self.home / "principals").write_text("".join(f"{name}\n" for name in principals))
        log = self.home / "log"
        log.unlink(missing_ok=True)
        server = f"{SSHD} -i -f {self.home}/sshd_config -E {log}"
        command = ["ssh", "-F", "none", "-i", str(key), "-o", f"ProxyCommand={server}"]
        for option in ("IdentitiesOnly=yes", "IdentityAgent=none", "BatchMode=yes", "StrictHostKeyChecking=no"):
            command += ["-o", option]
        command += ["-o", f"UserKnownHostsFile={self.home}/known", f"{getpass.getuser()}@host", "echo", "inside"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        return done.stdout == "inside\n", log.read_text() if log.exists() else done.stderr


def new_key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_suffix(".pub").read_text()


@pytest.fixture
def host(household: Household, tmp_path: Path) -> Host:
    """A host that trusts the household's authority."""
    with household.enter() as inside:
        (tmp_path / "authority.pub").write_text(ssh_authorities.create_authority(inside).public)
    new_key(tmp_path / "host")
    (tmp_path / "sshd_config").write_text(CONFIGURATION.format(home=tmp_path))
    return Host(tmp_path)


def certified(household: Household, key: Path, **asked: object) -> ssh_certificates.Issued:
    with household.enter() as inside:
        issued = ssh_certificates.issue_certificate(
            inside,
            public_key=new_key(key),
            **asked,  # type: ignore[arg-type]  # each test's own
        )
    key.with_name(f"{key.name}-cert.pub").write_text(issued.certificate)
    return issued


def test_the_host_decides_by_name(host: Host, household: Household, tmp_path: Path) -> None:
    key = tmp_path / "mine"
    issued = certified(household, key)
    for name in issued.principals:
        entered, log = host.lets_in([name], key)
        assert entered, log
        assert f"ID {issued.key_id} (serial {issued.serial})" in log
    for others in ([], [f"{household.slug}/role:member"], ["root"]):
        assert not host.lets_in(others, key)[0]


def test_another_tenants_certificate_is_not_accepted(
    host: Host, household: Household, neighbour: Household, tmp_path: Path
) -> None:
    with neighbour.enter() as inside:
        ssh_authorities.create_authority(inside)
    issued = certified(neighbour, tmp_path / "theirs")
    assert not host.lets_in([*issued.principals, f"{household.slug}/role:owner"], tmp_path / "theirs")[0]


def test_it_is_bound_to_its_networks(host: Host, household: Household, tmp_path: Path) -> None:
    certified(household, tmp_path / "mine", source_addresses=["192.0.2.0/24"], life=timedelta(minutes=1))
    assert not host.lets_in([f"{household.slug}/role:owner"], tmp_path / "mine")[0]
