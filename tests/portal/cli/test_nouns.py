"""`repository`, `parameter`, `ssh-key`, `message`: what they list, take in and hand out."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Household
from tests.portal.cli.conftest import CommandLine, NewCommandLine


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """An SSH agent of the test's own."""
    socket = f"/tmp/bulkhead-agent-{os.getpid()}-{time.monotonic_ns()}"  # noqa: S108 - socket names are short
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not Path(socket).exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    yield socket
    process.terminate()
    process.wait(timeout=60)


def test_repositories(cli: CommandLine) -> None:
    assert [item["name"] for item in cli.json("repository", "list")] == ["acme/api", "acme/web"]
    shown = cli.run("repository", "list").stdout
    assert "acme/api" in shown
    assert "team=blue" in shown


def test_a_repository_is_added(cli: CommandLine) -> None:
    made = cli.json("repository", "create", "acme/cli", "--label", "team=blue", "--label", "os = linux")
    assert made["labels"] == [{"name": "os", "value": "linux"}, {"name": "team", "value": "blue"}]
    assert made in cli.json("repository", "list")
    taken = cli.run("repository", "create", "acme/cli", "--url", "https://example.org/cli")
    assert (taken.returncode, taken.stdout) == (1, "")
    assert "name:" in taken.stderr
    assert cli.run("repository", "create", "other", "--label", "linux").returncode == 2


def test_connections(cli: CommandLine, neighbour: Household, new_cli: NewCommandLine) -> None:
    other = new_cli(neighbour)
    proposed = cli.run("connection", "propose", neighbour.slug, "--direction", "send")
    assert proposed.returncode == 0, proposed.stderr
    connection_id = proposed.stdout.strip()
    assert cli.run("connection", "accept", connection_id).returncode == 1, "the other one accepts"
    assert other.json("connection", "accept", connection_id)["state"] == "active"
    assert connection_id in cli.run("connection", "list").stdout
    assert cli.json("connection", "end", connection_id)["state"] == "ended"
    [listed] = other.json("connection", "list")
    assert (listed["id"], listed["consumer"], listed["state"]) == (connection_id, neighbour.slug, "ended")
    assert cli.run("connection", "end", "../../me").returncode == 2


def test_parameters(cli: CommandLine) -> None:
    assert [(item["name"], item["size"]) for item in cli.json("parameter", "list")] == [
        ("blue", 2),
        ("everyone", 2),
        ("red", 2),
    ]
    shown = cli.run("parameter", "list").stdout
    assert "every repository" in shown
    assert "geheim" not in shown
    assert [item["name"] for item in cli.json("parameter", "list", "--set", "blue")] == ["ONLY_BLUE", "WHO"]
    [everyone] = [item["id"] for item in cli.json("parameter", "list") if item["name"] == "everyone"]
    assert [item["name"] for item in cli.json("parameter", "list", "--set", everyone)] == ["ONLY_EVERYONE", "WHO"]


def test_a_parameter_is_set_from_standard_input(cli: CommandLine) -> None:
    done = cli.run("parameter", "set", "NEW", "--set", "blue", "--json", stdin="two\nlines\n")
    assert done.returncode == 0, done.stderr
    assert "two" not in done.stdout + done.stderr
    assert {"name": "NEW", "version": 1}.items() <= json.loads(done.stdout).items()
    read = cli.run("run", "--no-mask", "-r", "acme/api", "--", "printenv", "NEW")
    assert read.stdout == "two\nlines\n"


def test_a_parameter_that_can_not_be(cli: CommandLine) -> None:
    done = cli.run("parameter", "set", "1 BAD", "--set", "blue", stdin="x")
    assert done.returncode == 1
    assert "name:" in done.stderr
    assert cli.run("parameter", "set", "GOOD", "--set", "no such set", stdin="x").returncode == 4
    assert cli.run("parameter", "list", "--set", "00000000-0000-4000-8000-000000000000").returncode == 4


def test_a_value_is_no_argument(cli: CommandLine) -> None:
    """What is an argument is in the process list and the shell's history."""
    assert cli.run("parameter", "set", "NAME", "value", "--set", "blue").returncode == 2


def test_an_ssh_key_is_made(cli: CommandLine) -> None:
    done = cli.run("ssh-key", "generate", "release", "--filter", "team=blue, os=linux", "--filter", "team=red")
    assert done.returncode == 0, done.stderr
    [listed] = [item for item in cli.json("ssh-key", "list") if item["name"] == "release"]
    assert done.stdout == f"{listed['public']}\n"
    reached = [{(label["name"], label["value"]) for label in alternative} for alternative in listed["filters"]]
    assert reached == [{("team", "blue"), ("os", "linux")}, {("team", "red")}]
    assert cli.json("ssh-key", "generate", "common", "--every-repository")["filters"] == []
    assert cli.run("ssh-key", "generate", "release", "--every-repository").returncode == 1


@pytest.mark.parametrize(
    "reach", [[], ["--filter", "linux"], ["--filter", ""], ["--filter", "a=b", "--every-repository"]]
)
def test_an_ssh_key_that_can_not_be(reach: list[str], cli: CommandLine) -> None:
    """Leaving out whose builds get it does not mean everybody's."""
    done = cli.run("ssh-key", "generate", "release", *reach)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(cli.json("ssh-key", "list")) == 1


def test_an_ssh_key_goes_to_a_file(cli: CommandLine) -> None:
    target = cli.home / "id_deploy"
    fetch = ("ssh-key", "fetch", "deploy", "-r", "acme/api", "--output", str(target))
    done = cli.run(*fetch)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    [listed] = cli.json("ssh-key", "list")
    public = subprocess.run(["ssh-keygen", "-y", "-f", target], capture_output=True, text=True, check=True).stdout
    assert listed["public"].split()[:2] == public.split()[:2]

    before = target.read_bytes()
    assert cli.run(*fetch).returncode == 1
    assert target.read_bytes() == before
    again = cli.run(*fetch, "--force", "--json")
    said = {"name": "deploy", "repository": "acme/api", "output": str(target), "lifetime": None}
    assert json.loads(again.stdout) == said


def test_a_link_is_replaced_and_not_followed(cli: CommandLine) -> None:
    elsewhere, target = cli.home / "elsewhere", cli.home / "link"
    elsewhere.write_text("untouched")
    target.symlink_to(elsewhere)
    fetch = ("ssh-key", "fetch", "deploy", "-r", "acme/api", "--force", "-o", str(target))
    assert cli.run(*fetch).returncode == 0
    assert elsewhere.read_text() == "untouched"
    assert not target.is_symlink()


def test_an_ssh_key_goes_to_the_agent(cli: CommandLine, agent: str) -> None:
    done = cli.run("ssh-key", "fetch", "deploy", "-r", "acme/api", "--agent", "--json", SSH_AUTH_SOCK=agent)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"name": "deploy", "repository": "acme/api", "output": None, "lifetime": 3600}
    [listed] = cli.json("ssh-key", "list")
    held = subprocess.run(
        ["ssh-add", "-l"], capture_output=True, text=True, check=True, env={**os.environ, "SSH_AUTH_SOCK": agent}
    ).stdout
    assert listed["fingerprint"] in held
    assert not [path for path in cli.home.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]


def test_an_ssh_key_out_of_reach(cli: CommandLine) -> None:
    target = cli.home / "id_deploy"
    assert cli.run("ssh-key", "fetch", "deploy", "-r", "acme/web", "-o", str(target)).returncode == 4
    assert not target.exists()


@pytest.mark.parametrize("where", [[], ["--agent", "-o", "x"]])
def test_an_ssh_key_goes_to_one_place(where: list[str], cli: CommandLine) -> None:
    assert cli.run("ssh-key", "fetch", "deploy", "-r", "acme/api", *where).returncode == 2


def test_no_agent(cli: CommandLine) -> None:
    done = cli.run("ssh-key", "fetch", "deploy", "-r", "acme/api", "--agent")
    assert done.returncode == 1
    assert "SSH_AUTH_SOCK" in done.stderr


def wait_for(cli: CommandLine, message_id: str) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if any(item["id"] == message_id for item in cli.json("message", "list")):
            return
        time.sleep(0.2)
    raise AssertionError("the message did not arrive")


def test_a_message_arrives_byte_for_byte(cli: CommandLine, connected: Household, new_cli: NewCommandLine) -> None:
    receiver = new_cli(connected)
    text = '{ "n": 1.10,\n "text": "✓" }\n'
    sent = cli.run("message", "send", "--to", connected.slug, "--ttl", "1h", "--reads", "2", "-", stdin=text)
    assert sent.returncode == 0, sent.stderr
    message_id = sent.stdout.strip()
    wait_for(receiver, message_id)

    assert message_id in receiver.run("message", "list").stdout
    assert [item["id"] for item in cli.json("message", "list", "--sent")] == [message_id]
    assert receiver.run("message", "read", message_id).stdout == text
    assert receiver.json("message", "read", message_id) == {"id": message_id, "payload": text}
    again = receiver.run("message", "read", message_id)
    assert (again.returncode, again.stdout) == (5, "")


def test_a_message_from_a_file(cli: CommandLine, connected: Household) -> None:
    (cli.home / "message.json").write_text('{"a": 1}')
    done = cli.run("message", "send", "message.json", "--to", connected.slug, "--ttl", "90s", "--json")
    assert json.loads(done.stdout)["other"] == connected.slug
    assert cli.run("message", "send", "none.json", "--to", connected.slug, "--ttl", "90s").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        (["--ttl", "soon"], "{}", 2),
        (["--ttl", "0s"], "{}", 2),
        (["--ttl", "1h", "--reads", "0"], "{}", 2),
        (["--ttl", "400d"], "{}", 1),
        (["--ttl", "1h"], "{", 1),
        (["--ttl", "1h"], "", 1),
    ],
)
def test_a_message_that_can_not_be(
    arguments: list[str], stdin: str, code: int, cli: CommandLine, connected: Household
) -> None:
    assert cli.run("message", "send", "--to", connected.slug, *arguments, stdin=stdin).returncode == code
    assert cli.json("message", "list", "--sent") == []


def test_a_message_to_nobody(cli: CommandLine, neighbour: Household) -> None:
    done = cli.run("message", "send", "--to", neighbour.slug, "--ttl", "1h", stdin="{}")
    assert done.returncode == 1
    assert "to:" in done.stderr


def test_a_message_that_is_not_there(cli: CommandLine) -> None:
    assert cli.run("message", "read", "00000000-0000-4000-8000-000000000000").returncode == 4
    assert cli.run("message", "read", "../../me").returncode == 2
