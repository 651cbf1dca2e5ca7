"""`login`, `logout`, `whoami`, and the file between them."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

from portal.cli import places
from portal.cli.failures import Code, Failure
from tenants.actions import tokens
from tenants.registry.models import AccessToken
from tests.conftest import Household
from tests.portal.cli.conftest import CommandLine


def user_code(process: subprocess.Popen[str]) -> str:
    """Read what the person is told, until the code is there."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"Enter +([A-Z]{4}-[A-Z]{4})", line):
            return found[1]
    raise AssertionError("no code was shown")


def test_login_whoami_logout(signed_out: CommandLine, household: Household) -> None:
    login = signed_out.start("login", "--portal", signed_out.portal)
    code = user_code(login)
    tokens.approve_device(household.actor(), code, household.slug)
    out, err = login.communicate(timeout=120)
    assert login.returncode == 0, err
    assert f"Signed in to {household.slug}" in err

    # The token is in one file, for its owner alone, and nowhere in what was printed.
    known = json.loads(signed_out.credentials.read_text())
    token = known["portals"][signed_out.portal]["tokens"][household.slug]["token"]
    assert token not in out + err
    assert stat.S_IMODE(signed_out.credentials.stat().st_mode) == 0o600
    assert stat.S_IMODE(signed_out.credentials.parent.stat().st_mode) == 0o700
    left = {path.name for path in signed_out.credentials.parent.iterdir()}
    assert left == {"credentials.json", "credentials.lock"}

    signed_out.tokens.append(token)
    me = signed_out.json("whoami")
    assert (me["tenant"], me["role"]) == (household.slug, "owner")
    assert household.slug in signed_out.run("whoami").stdout

    assert signed_out.run("logout").returncode == 0
    assert token not in signed_out.credentials.read_text()
    assert AccessToken.objects.filter(person=household.owner, revoked_at=None).count() == 0
    after = signed_out.run("whoami")
    assert after.returncode == 3
    assert "bulkhead login" in after.stderr


def test_login_denied(signed_out: CommandLine) -> None:
    login = signed_out.start("login", BULKHEAD_PORTAL=signed_out.portal)
    tokens.deny_device(user_code(login))
    _, err = login.communicate(timeout=120)
    assert login.returncode == 4
    assert "denied" in err
    assert not signed_out.credentials.exists()


def test_not_signed_in(signed_out: CommandLine) -> None:
    for command in (["whoami"], ["repository", "list"], ["message", "list"], ["run", "-r", "x", "--", "true"]):
        done = signed_out.run(*command)
        assert (done.returncode, done.stdout) == (3, "")


def test_a_revoked_token(cli: CommandLine, stocked: Household) -> None:
    for row in tokens.list_tokens(stocked.actor()):
        tokens.revoke_token(stocked.actor(), row.id)
    done = cli.run("repository", "list")
    assert done.returncode == 3
    assert "bulkhead login" in done.stderr


def test_an_expired_token_is_not_even_sent(cli: CommandLine, stocked: Household) -> None:
    known = json.loads(cli.credentials.read_text())
    known["portals"][cli.portal]["tokens"][stocked.slug]["expires_at"] = 1
    cli.credentials.write_text(json.dumps(known))
    done = cli.run("whoami")
    assert done.returncode == 3
    assert "expired" in done.stderr


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(mode: int, cli: CommandLine) -> None:
    cli.credentials.chmod(mode)
    done = cli.run("whoami")
    assert done.returncode == 1
    assert "read by others" in done.stderr


def test_a_linked_file_is_refused(cli: CommandLine) -> None:
    elsewhere = cli.credentials.rename(cli.home / "elsewhere.json")
    cli.credentials.symlink_to(elsewhere)
    assert cli.run("whoami").returncode == 1


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2}', '{"version": 1}'])
def test_a_damaged_file(content: str, cli: CommandLine) -> None:
    cli.credentials.write_text(content)
    done = cli.run("whoami")
    assert done.returncode == 1
    assert "damaged" in done.stderr


def test_the_directory_can_be_named(cli: CommandLine, tmp_path: Path) -> None:
    assert cli.run("whoami", BULKHEAD_CONFIG_DIR=str(tmp_path)).returncode == 3
    assert cli.run("whoami", XDG_CONFIG_HOME=str(tmp_path)).returncode == 3
    assert cli.run("whoami", XDG_CONFIG_HOME=str(cli.home / ".config"), HOME=str(tmp_path)).returncode == 0


@pytest.mark.parametrize(
    "address",
    [
        "http://portal.example.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "ftp://127.0.0.1",
        "https://somebody@portal.example.com",
        "https://portal.example.com/path",
        "https://portal.example.com?x",
        "https://",
        "https://host:notaport",
    ],
)
def test_a_portal_that_can_not_be(address: str) -> None:
    with pytest.raises(Failure) as refused:
        places.origin(address)
    assert refused.value.code == Code.USAGE


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("portal.example.com", "https://portal.example.com"),
        ("https://portal.example.com/", "https://portal.example.com"),
        ("https://portal.example.com:8443", "https://portal.example.com:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_portals_origin(address: str, origin: str) -> None:
    assert places.origin(address) == origin


def test_a_portal_that_is_not_there(signed_out: CommandLine) -> None:
    done = signed_out.run("login", "--portal", "http://127.0.0.1:9")
    assert done.returncode == 6
    assert "can't be reached" in done.stderr


def test_another_tenant_is_not_signed_in_to(cli: CommandLine) -> None:
    assert cli.run("repository", "list", "--tenant", "somebody-else").returncode == 3
    assert cli.run("repository", "list", BULKHEAD_TENANT="somebody-else").returncode == 3


def test_nothing_of_the_token_shows_when_the_program_breaks(cli: CommandLine) -> None:
    """A failure that nobody foresaw: its kind is told, its values are not."""
    known = json.loads(cli.credentials.read_text())
    [entry] = known["portals"].values()
    for stored in entry["tokens"].values():
        stored["expires_at"] = "never"
    cli.credentials.write_text(json.dumps(known))
    done = cli.run("whoami")
    assert done.returncode == 1
    assert "unexpected TypeError" in done.stderr


def test_help_and_completion(signed_out: CommandLine) -> None:
    helped = signed_out.run("--help")
    assert helped.returncode == 0
    for word in ("login", "run", "ssh-key", "message", "Exit codes"):
        assert word in helped.stdout
    for shell in ("bash", "zsh", "fish"):
        script = signed_out.run("completion", shell)
        assert (script.returncode, script.stderr, "bulkhead" in script.stdout) == (0, "", True)
    assert signed_out.run("nonsense").returncode == 2
    assert os.linesep in signed_out.run("run", "--help").stdout
