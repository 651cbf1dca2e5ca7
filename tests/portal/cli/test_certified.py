"""A build's certificate: for a key of its agent's alone, for the build's name, and renewed while the build runs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from portal.cli.agent import Key, agent
from tenants import ssh_formats
from tenants.actions import ssh_authorities
from tenants.ssh_formats import Statement
from tests.conftest import Household
from tests.portal.cli.conftest import CommandLine
from tests.portal.cli.test_agent import said
from tests.ssh_server import serving


def test_a_build_goes_to_a_host_by_its_certificate(cli: CommandLine, stocked: Household, tmp_path: Path) -> None:
    with stocked.enter() as inside:
        authority = ssh_authorities.create_authority(inside).public
    run = ("run", "--ssh-certificate", "-r", "acme/api", "--")
    with serving(tmp_path) as host:
        (tmp_path / "known").write_text(host.known)
        ssh = [
            "ssh",
            "-F",
            "none",
            "-p",
            str(host.port),
            "-o",
            "BatchMode=yes",
            "-o",
            f"UserKnownHostsFile={tmp_path}/known",
        ]
        for name, entered in (("build:acme/api", True), ("build:acme/web", False)):
            host.authorize(f'cert-authority,principals="{stocked.slug}/{name}" {authority}')
            done = cli.run(*run, *ssh, "127.0.0.1", "hello")
            assert (done.stdout == "inside\n") is entered, done.stderr
    listed = cli.run(*run, "ssh-add", "-L").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["ssh-ed25519-cert-v01@openssh.com"]
    assert len(cli.run(*run[:2], "--ssh-agent", *run[2:], "ssh-add", "-L").stdout.splitlines()) == 2


def test_without_an_authority_nothing_is_run(cli: CommandLine) -> None:
    done = cli.run("run", "--ssh-certificate", "-r", "acme/api", "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no SSH authority yet" in done.stderr


def held(environment: dict[str, str]) -> str:
    """Return what an agent lists, be it nothing."""
    around = {**os.environ, **environment}
    listing = subprocess.run(["ssh-add", "-L"], capture_output=True, text=True, check=False, env=around)
    return listing.stdout


def test_the_certificate_is_renewed_for_the_same_key() -> None:
    authority = ssh_formats.generate("authority")
    asked: list[str] = []
    made: list[str] = []

    def certify(public: str) -> dict[str, Any]:
        asked.append(public)
        lifetime = 3600 if made else 2  # the first is soon renewed, and the second is there however late one looks
        now = datetime.now(UTC) + timedelta(hours=1)  # by the portal's clock, which is not this one's
        until = now + timedelta(seconds=lifetime)
        statement = Statement(len(asked), "build", ["build"], now, until)
        line = ssh_formats.certify(authority.private, ssh_formats.read_public(public), statement)
        made.append(line)
        return {"certificate": line, "valid_until": until.isoformat(), "expires_in": lifetime}

    with agent([], certify=certify) as environment:
        deadline = time.monotonic() + 60
        while len(made) < 2 or made[1].split()[1] not in held(environment):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert len(asked) == 2
    assert len(set(asked)) == 1
    assert made[0] != made[1]


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 3072)


def _ecdsa() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1())


KINDS: dict[str, Callable[[], rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]] = {"rsa": _rsa, "ecdsa": _ecdsa}


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_has_its_name_in_the_agent_and_signs(kind: str, tmp_path: Path) -> None:
    key = KINDS[kind]()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    pair = ssh_formats.read(private, "")
    (tmp_path / "key.pub").write_text(pair.public)
    with agent([Key("deploy", "", private)]) as environment:
        assert f"{pair.fingerprint} deploy " in said(["ssh-add", "-l"], environment)
        subprocess.run(["ssh-add", "-T", tmp_path / "key.pub"], check=True, env=environment)
