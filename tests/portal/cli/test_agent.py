"""The agent of one command: it holds the keys in memory, knows the hosts, and is gone with the command."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portal.cli.agent import Key, agent
from portal.cli.failures import Failure
from tenants import ssh_formats
from tenants.ssh_formats import KeyPair
from tests.ssh_server import serving

ROOT = Path(__file__).parents[3]

HOLDER = """
import sys
from portal.cli.agent import Key, agent
with agent([Key("key", "", sys.stdin.read())]) as environment:
    print(environment["SSH_AUTH_SOCK"], environment["SSH_AGENT_PID"], flush=True)
    sys.stdin.close()
    import time
    time.sleep(60)
"""


@pytest.fixture
def pair() -> KeyPair:
    return ssh_formats.generate("deploy")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own: no agent, and a home and a directory for sockets that can be searched."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.delenv("GIT_SSH_COMMAND", raising=False)


def said(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment})
    return done.stdout + done.stderr


def test_the_agent_signs_and_no_file_holds_a_key(pair: KeyPair, tmp_path: Path) -> None:
    public = tmp_path / "deploy.pub"
    public.write_text(pair.public)
    with agent([Key("deploy", "", pair.private.decode())], lifetime=60) as environment:
        socket = Path(environment["SSH_AUTH_SOCK"])
        assert pair.fingerprint in said(["ssh-add", "-l"], environment)
        said(["ssh-add", "-T", str(public)], environment)
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert [path.name for path in socket.parent.iterdir()] == ["agent"]
        assert set(environment) == {"SSH_AUTH_SOCK", "SSH_AGENT_PID"}
    assert not socket.parent.exists()
    deadline = time.monotonic() + 20
    while not ended(int(environment["SSH_AGENT_PID"])):  # it takes its socket away before it is gone
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ended(pid: int) -> bool:
    """Return whether a process is gone, or waits only for whoever collects the dead here."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_hosts_are_known_by_a_configuration(pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    line = f"git.example.org {pair.public}\n"
    with agent([Key("one", line, pair.private.decode()), Key("two", line, pair.private.decode())]) as environment:
        configuration = Path(environment["BULKHEAD_SSH_CONFIG"])
        known = configuration.with_name("known_hosts")
        assert known.read_text() == line
        assert environment["GIT_SSH_COMMAND"] == f"ssh -F {configuration}"
        shown = said(["ssh", "-F", str(configuration), "-G", "git.example.org"], {}).splitlines()
        assert "stricthostkeychecking true" in shown
        assert next(option for option in shown if option.startswith("userknownhostsfile ")).split()[1] == str(known)
        said(["ssh-keygen", "-F", "git.example.org", "-f", str(known)], {})
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -v")
    with agent([Key("one", line, pair.private.decode())]) as environment:
        assert environment["GIT_SSH_COMMAND"] == "ssh -v"


def test_a_host_lets_in_whoever_has_the_agent_and_is_the_one_that_is_known(pair: KeyPair, tmp_path: Path) -> None:
    """The key signs without leaving the agent; a host that is another than the key's lines say gets nothing."""
    another = ssh_formats.generate("another host")
    with serving(tmp_path) as host:
        host.authorize(pair.public)
        for known, entered in ((host.known, True), (host.known.replace(host.public, another.public), False)):
            with agent([Key("deploy", known, pair.private.decode())], lifetime=60) as environment:
                done = host.visit("-F", environment["BULKHEAD_SSH_CONFIG"], **environment)
            assert (done.stdout == "inside\n") is entered, done.stderr
        assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in done.stderr


def test_a_key_that_the_agent_refuses_ends_it(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path_factory.mktemp("here")  # a socket's path may have some hundred characters
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    monkeypatch.setattr("tempfile.tempdir", str(here))
    with pytest.raises(Failure, match="key is refused"), agent([Key("key", "", "no key")]):
        pass
    assert not list(here.iterdir())


def test_without_openssh_it_says_so(pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Failure, match="openssh-client"), agent([Key("key", "", pair.private.decode())]):
        pass


def test_the_agent_outlives_no_killed_command(pair: KeyPair) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": str(ROOT)}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    with holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(pair.private.decode())
        holder.stdin.close()
        socket, pid = holder.stdout.readline().split()
        assert pair.fingerprint in said(["ssh-add", "-l"], {"SSH_AUTH_SOCK": socket})
        holder.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while not ended(int(pid)) and time.monotonic() < until:
        time.sleep(0.1)
    assert ended(int(pid))
    Path(socket).parent.rmdir()
