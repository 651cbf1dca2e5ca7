"""An SSH agent for the time of one command: keys go from the portal's answer into its memory, and never to a file.

The agent is OpenSSH's own. It lives in a directory that only this user may enter, behind a socket of mode 0600. It is
started around a shell that waits on a pipe from this process and then ends it: that pipe closes when the command has
ended, and also when this process is killed. (Were the shell killed too, the agent would notice within ten seconds.)
Known hosts are public. They lie beside the socket, with a configuration that names them, and vanish with it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from portal.cli import identities
from portal.cli.certified import Certify, certified
from portal.cli.failures import Code, Failure
from portal.cli.private import private_directory

LIFETIME: Final = 24 * 3600  # seconds, should everything else fail; a build is over by then
_HOLD: Final = 'echo "$SSH_AGENT_PID"; cat; kill "$SSH_AGENT_PID"'


@dataclass(frozen=True, slots=True)
class Key:
    """A private key in OpenSSH format, and the lines by which to know its hosts."""

    name: str
    known_hosts: str
    private: str = field(repr=False)


@contextmanager
def agent(keys: Sequence[Key], lifetime: int = LIFETIME, certify: Certify | None = None) -> Iterator[dict[str, str]]:
    """Hold the keys in an agent, and yield the environment by which a command finds it.

    With `certify` there is one more, made here and certified for as long as the agent lives.

    SSH_AUTH_SOCK is the agent's socket. Where keys come with known hosts, BULKHEAD_SSH_CONFIG names a configuration
    for `ssh -F` that accepts those, the user's and the machine's own and no other, and GIT_SSH_COMMAND has git use it
    unless the variable is set already. Raises Failure.
    """
    with private_directory("bulkhead-ssh-") as directory:
        socket = directory / "agent"
        with _running(socket, lifetime) as environment:
            for key in keys:
                identities.add(key.private, key.name, lifetime, str(socket))
            with certified(certify, str(socket)) if certify else nullcontext():
                yield {**environment, **_known_hosts(keys, directory)}


@contextmanager
def _running(socket: Path, lifetime: int) -> Iterator[dict[str, str]]:
    command = ["ssh-agent", "-a", str(socket), "-t", str(lifetime), "sh", "-c", _HOLD]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        # A session of its own: what the terminal sends to the command (Ctrl-C) is not for the agent.
        held = subprocess.Popen(command, **pipes, text=True, start_new_session=True)  # noqa: S603 - fixed
    except FileNotFoundError:
        raise _missing("ssh-agent") from None
    with held:
        pid = held.stdout.readline().strip() if held.stdout else ""
        try:
            if not pid.isdigit():
                raise Failure(Code.FAILED, "ssh-agent did not start")
            yield {"SSH_AUTH_SOCK": str(socket), "SSH_AGENT_PID": pid}
        finally:
            _end(held, socket)


def _end(held: subprocess.Popen[str], socket: Path) -> None:
    """Let the agent be ended, and wait until it has taken its socket away."""
    if held.stdin:
        held.stdin.close()
    held.wait()
    until = time.monotonic() + 2
    while socket.exists() and time.monotonic() < until:
        time.sleep(0.005)


def _known_hosts(keys: Sequence[Key], directory: Path) -> dict[str, str]:
    lines = dict.fromkeys(line for key in keys for line in key.known_hosts.splitlines())
    if not lines:
        return {}
    known, configuration = directory / "known_hosts", directory / "config"
    known.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    # ssh takes the first value that it finds for an option, so the user's own file can't weaken these.
    configuration.write_text(
        f'UserKnownHostsFile "{known}" ~/.ssh/known_hosts\nStrictHostKeyChecking yes\n'
        "Include ~/.ssh/config\nInclude /etc/ssh/ssh_config\n",
        encoding="utf-8",
    )
    git = os.environ.get("GIT_SSH_COMMAND") or f"ssh -F {shlex.quote(str(configuration))}"
    return {"BULKHEAD_SSH_CONFIG": str(configuration), "GIT_SSH_COMMAND": git}


def _missing(program: str) -> Failure:
    return Failure(Code.FAILED, f"{program} is not installed (Debian: openssh-client)")
