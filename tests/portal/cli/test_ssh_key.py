"""`ssh-key`: generations, certificates and authorities on the command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.conftest import Household
from tests.portal.cli.conftest import CommandLine


def shown(path: Path) -> str:
    return subprocess.run(["ssh-keygen", "-L", "-f", path], capture_output=True, text=True, check=True).stdout


def test_a_key_is_rotated_and_the_old_generation_retired(cli: CommandLine) -> None:
    done = cli.run("ssh-key", "rotate", "deploy")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ssh-ed25519 ")
    newest, oldest = cli.json("ssh-key", "generations", "deploy")
    assert (newest["public"], newest["generation"], oldest["generation"]) == (done.stdout.strip(), 2, 1)
    assert cli.json("ssh-key", "retire", "deploy", "-g", "1")["retired_at"] is not None
    assert oldest["fingerprint"] in cli.run("ssh-key", "generations", "deploy").stdout
    assert cli.run("ssh-key", "retire", "deploy", "-g", "2").returncode == 1


def test_known_hosts_go_with_a_key(cli: CommandLine) -> None:
    [listed] = cli.json("ssh-key", "list")
    line = f"git.example.org {listed['public']}\n"
    (cli.home / "known").write_text(line)
    made = cli.json("ssh-key", "generate", "git", "--every-repository", "--known-hosts", "known")
    assert made["known_hosts"] == line


def test_a_certificate_for_ones_own_key(cli: CommandLine, stocked: Household) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", cli.home / "mine"], check=True)
    certify = ("ssh-key", "certificate", "-k", "mine.pub")
    made = cli.run("ssh-key", "authority", "create")
    assert made.stdout == cli.run("ssh-key", "authority", "public").stdout
    role = f"{stocked.slug}/role:owner"
    done = cli.run(*certify, "--principal", role, "--ttl", "60", "--source-address", "192.0.2.0/24")
    assert done.returncode == 0, done.stderr
    certificate = shown(cli.home / "mine-cert.pub")
    for said in (
        role,
        "source-address 192.0.2.0/24",
        "permit-pty",
        made.stdout.split()[0].removeprefix("ssh-").upper(),
    ):
        assert said in certificate
    assert "github:" not in certificate.partition("Principals:")[2]

    assert cli.run(*certify, "--principal", "root").returncode == 1
    assert cli.run("ssh-key", "certificate", "-k", "mine").returncode == 2, "a private key goes nowhere"
    [authority] = cli.json("ssh-key", "authority", "list")
    assert cli.json("ssh-key", "authority", "retire", authority["id"])["retired_at"] is not None


def test_a_private_key_that_can_not_be_written_stays_nowhere(cli: CommandLine) -> None:
    (cli.home / "taken").mkdir()
    done = cli.run("ssh-key", "fetch", "deploy", "-r", "acme/api", "--output", "taken", "--force")
    assert done.returncode == 1
    assert "can't be written" in done.stderr
    assert not [path for path in cli.home.rglob("*") if path.is_file() and "PRIVATE KEY" in path.read_text()]


def test_what_the_log_tells_of_a_key(cli: CommandLine) -> None:
    assert cli.run("ssh-key", "rotate", "deploy").returncode == 0
    told = cli.json("audit", "list", "--about", "deploy", "--about", "other")
    assert [json.loads(item["entry"])["action"] for item in told] == ["ssh_key.rotated", "ssh_key.generated"]
    assert json.loads(told[1]["entry"])["detail"]["filters"] == ["team=blue"]
    assert "ssh_key.rotated" in cli.run("audit", "list", "--limit", "1").stdout


def test_a_key_is_taken_in_and_deleted(cli: CommandLine) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "mine", "-f", cli.home / "mine"], check=True)
    private = (cli.home / "mine").read_text()
    take_in = ("ssh-key", "import", "old/key", "--filter", "team=blue")
    done = cli.run(*take_in, "mine")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (cli.home / "mine.pub").read_text()
    assert cli.run(*take_in, stdin=private).returncode == 1, "the name is taken"
    assert cli.run("ssh-key", "import", "other", "--every-repository", stdin="hello").returncode == 1
    held = cli.run("run", "-r", "acme/api", "--ssh-agent", "--", "ssh-add", "-l")
    assert {line.split()[2] for line in held.stdout.splitlines()} == {"deploy", "old/key"}
    deleted = cli.run("ssh-key", "delete", "old/key")
    assert (deleted.returncode, "SHA256:" in deleted.stderr) == (0, True)
    again = cli.run("ssh-key", "delete", "old/key")
    assert (again.returncode, "there is no SSH key old/key" in again.stderr) == (4, True)
