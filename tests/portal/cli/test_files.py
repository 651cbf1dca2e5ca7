"""Parameters that are files: a path in the variable, for the time of the command, for this user alone."""

from __future__ import annotations

import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal.cli.files import files
from tenants.actions import parameters
from tests.conftest import Household
from tests.portal.cli.conftest import CommandLine

CONTENT = "-----BEGIN\nverschlossen ✓\n-----END\n"
SHOW = 'echo "$CERTIFICATE"; stat -c "%a %s" "$CERTIFICATE" "$(dirname "$CERTIFICATE")"; cat "$CERTIFICATE"'


@pytest.fixture
def filed(stocked: Household) -> Household:
    """The household, with a parameter that is a file and expires soon, for every repository."""
    soon = datetime.now(UTC).date() + timedelta(days=6)
    with stocked.enter() as inside:
        made = parameters.create_set(inside, name="files", description="", filters=[])
        given = {"value": CONTENT, "kind": "file", "expires_on": soon}
        parameters.set_parameter(inside, made.id, name="CERTIFICATE", **given)  # type: ignore[arg-type]  # each its own
    return stocked


def test_the_variable_holds_the_path_of_a_private_file(cli: CommandLine, filed: Household) -> None:
    done = cli.run("run", "--no-mask", "-r", "acme/api", "--", "sh", "-c", SHOW)
    assert done.returncode == 0, done.stderr
    path, file, directory, *content = done.stdout.splitlines(keepends=True)
    assert path.endswith("/CERTIFICATE\n")
    assert file == f"600 {len(CONTENT.encode())}\n"
    assert directory.startswith("700 ")
    assert "".join(content) == CONTENT
    assert not Path(path.strip()).parent.exists()
    [warning] = [line for line in done.stderr.splitlines() if "CERTIFICATE" in line]
    assert "CERTIFICATE expires on" in warning


def test_its_content_is_masked_and_an_override_is_a_file_too(cli: CommandLine, filed: Household) -> None:
    done = cli.run("run", "-r", "acme/api", "--", "sh", "-c", 'cat "$CERTIFICATE"')
    assert done.stdout == "***\n***\n***\n"
    own = ("--override", "CERTIFICATE=mitgebracht")
    done = cli.run("run", "--no-mask", "-r", "acme/api", *own, "--", "sh", "-c", 'cat "$CERTIFICATE"')
    assert done.stdout == "mitgebracht"
    assert "CERTIFICATE" not in done.stderr  # what the trigger sent does not expire
    assert "CERTIFICATE is set here" in cli.run("run", "-r", "acme/api", "--", "true", CERTIFICATE="x").stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_signal_leaves_it_behind(number: signal.Signals, cli: CommandLine, filed: Household) -> None:
    process = cli.start("run", "--no-mask", "-r", "acme/api", "--", "sh", "-c", 'echo "$CERTIFICATE"; exec sleep 30')
    assert process.stdout is not None
    path = Path(process.stdout.readline().strip())
    assert path.read_text() == CONTENT
    process.send_signal(number)
    process.wait(timeout=60)
    until = time.monotonic() + 60
    while path.parent.exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert not path.parent.exists()
    process.stdout.close()
    if process.stderr is not None:
        process.stderr.close()


def test_it_lies_in_memory_where_there_is_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with files({"ONE": "1"}) as found:
        kind = subprocess.run(["stat", "-f", "-c", "%T", found["ONE"]], capture_output=True, text=True, check=True)
    assert kind.stdout == "tmpfs\n"
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    monkeypatch.setattr("portal.cli.files._MEMORY", "/nowhere")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with files({"ONE": "1"}) as found:
        assert Path(found["ONE"]).parents[1] == tmp_path
    assert list(tmp_path.iterdir()) == []
    with files({}) as found:
        assert found == {}
