"""A build that one step starts and another one runs: no credential of a person's is where the command runs."""

from __future__ import annotations

import json
import signal
import stat
from pathlib import Path

import pytest

from portal.cli import handover
from portal.cli.credentials import Credential
from portal.cli.failures import Failure
from portal.cli.signals import Told
from tests.portal.cli.conftest import CommandLine
from tests.portal.cli.test_run import DUMP


def test_a_step_runs_what_another_started_without_a_sign_in(
    cli: CommandLine, signed_out: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "build.json"
    done = cli.run("build", "start", "-r", "acme/api", "--override", "EXTRA=own", "-o", str(path))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not any(token in path.read_text() for token in cli.tokens)
    assert cli.run("build", "start", "-r", "acme/api", "-o", str(path)).returncode == 1, "nothing is written over"
    done = signed_out.run("run", "--no-mask", "--ssh-agent", "--", *DUMP, BULKHEAD_BUILD=str(path))
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert (got["WHO"], got["EXTRA"]) == ("blue", "own")
    assert not {name for name in got if name.startswith("BULKHEAD_")}
    assert not signed_out.credentials.exists()
    [build] = cli.json("build", "list")
    assert build["outcome"] == "succeeded"
    again = signed_out.run("run", "--build", str(path), "--", "true")
    assert again.returncode == 3, "it has ended, and its token with it"
    assert "the build has ended: somebody ended it" in again.stderr
    assert "ign in" not in again.stderr


def test_its_token_opens_nothing_else(cli: CommandLine, signed_out: CommandLine) -> None:
    """The command is given the build's own credential on purpose, as if it had taken it, and asks for more."""
    handed = json.loads(cli.run("build", "start", "-r", "acme/api").stdout)
    slug = handed["event"]["tenant"]
    stored = {"token": handed["token"], "expires_at": handed["expires_at"]}
    known = {"version": 1, "portal": cli.portal, "portals": {cli.portal: {"tenant": slug, "tokens": {slug: stored}}}}
    signed_out.credentials.parent.mkdir(parents=True, mode=0o700)
    signed_out.credentials.touch(0o600)
    signed_out.credentials.write_text(json.dumps(known))
    assert signed_out.run("parameter", "export", "-r", "acme/web").returncode == 4
    assert signed_out.run("run", "-r", "acme/web", "--", "true").returncode == 4


def test_where_somebody_is_signed_in_nothing_says_where(cli: CommandLine) -> None:
    told = {"BULKHEAD_CONFIG_DIR": str(cli.credentials.parent), "BULKHEAD_PORTAL": cli.portal, "BULKHEAD_X": "secret"}
    done = cli.run("run", "--no-mask", "-r", "acme/api", "--", *DUMP, **told)
    assert {name for name in json.loads(done.stdout) if name.startswith("BULKHEAD_")} == {"BULKHEAD_PORTAL"}


def test_what_ends_it_while_it_writes_leaves_no_file_behind(tmp_path: Path) -> None:
    """Told to end in that moment, it ends the build, and what it wrote opens nothing any more."""

    def told() -> None:
        raise Told(signal.SIGTERM)

    path = tmp_path / "build.json"
    credential = Credential("https://portal.example", "acme", "token", 1)
    with pytest.raises(Told):
        handover.write(credential, {}, path, told)
    assert not path.exists()
    path.write_text("another's")
    with pytest.raises(Failure, match="can't be handed over: File exists"):
        handover.write(credential, {}, path, told)
    assert path.read_text() == "another's"


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"type": "bulkhead.build.handover/1", "event": {}}'])
def test_what_is_no_build_is_refused(content: str, signed_out: CommandLine) -> None:
    done = signed_out.run("run", "--build", "-", "--", "echo", "ran", stdin=content)
    assert (done.returncode, done.stdout) == (1, "")
    assert "not what `bulkhead build start` writes" in done.stderr


@pytest.mark.parametrize("more", [["-r", "acme/api"], ["--tenant", "other"], ["--override", "A=b"]])
def test_a_build_that_is_handed_over_knows_the_rest(more: list[str], signed_out: CommandLine) -> None:
    assert signed_out.run("run", "--build", "-", *more, "--", "true").returncode == 2
