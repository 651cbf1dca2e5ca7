"""A process that has imported the program, and forks for each command: most commands take less than such a start.

What begins here is a process like any other: its own environment, directory, descriptors, exit code and end. How the
program starts, and what a signal or a terminal does to it, tests ask of an interpreter started anew.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, Final

ROOT: Final = Path(__file__).parents[3]
PATIENCE: Final = 60.0  # seconds for one command
MOST: Final = 1 << 18  # bytes of a request: arguments and environment


@cache
def _server() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.portal.cli.forking", str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},  # libraries look at variables when they are imported
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    theirs.close()
    atexit.register(process.wait)
    atexit.register(ours.close)  # is done first, and ends it
    return ours


def run(
    arguments: Sequence[str], *, given: str, environment: Mapping[str, str], directory: Path
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, as `subprocess.run` would with `input=given, capture_output=True, text=True`."""
    stdin, stdout, stderr = os.pipe(), os.pipe(), os.pipe()
    request = {"arguments": list(arguments), "environment": dict(environment), "directory": str(directory)}
    theirs = (stdin[0], stdout[1], stderr[1])
    server = _server()
    socket.send_fds(server, [json.dumps(request).encode()], theirs)
    for descriptor in theirs:
        os.close(descriptor)
    pid = int(server.recv(32))
    with ThreadPoolExecutor(3) as threads:
        out, err = (threads.submit(_read, os.fdopen(pipe[0], encoding="utf-8")) for pipe in (stdout, stderr))
        threads.submit(_write, os.fdopen(stdin[1], "w", encoding="utf-8"), given)
        try:
            said = out.result(PATIENCE), err.result(PATIENCE)
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            server.recv(32)
            raise
    return subprocess.CompletedProcess(list(arguments), int(server.recv(32)), *said)


def _read(pipe: IO[str]) -> str:
    with pipe:
        return pipe.read()


def _write(pipe: IO[str], text: str) -> None:
    with suppress(BrokenPipeError), pipe:  # not every command reads
        pipe.write(text)


def _serve(control: socket.socket) -> None:
    """Return in a forked process, which has then become what was asked for; else serve until nobody asks."""
    while True:
        request, descriptors, *_ = socket.recv_fds(control, MOST, 3)
        if not request:
            sys.exit()
        pid = os.fork()
        if pid == 0:
            control.close()
            _become(json.loads(request), descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        control.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        control.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request: dict[str, Any], descriptors: Sequence[int]) -> None:
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # They learnt what they can do from other descriptors than these.
    for name, mode in (("stdin", "rb"), ("stdout", "wb"), ("stderr", "wb")):
        former = getattr(sys, name)
        raw = open(former.fileno(), mode, closefd=False)  # noqa: SIM115 - for the whole process
        setattr(sys, name, TextIOWrapper(raw, "utf-8", former.errors, line_buffering=former.line_buffering))
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["directory"])
    sys.argv[1:] = request["arguments"]


if __name__ == "__main__":
    import gc

    import coverage
    from pydantic import TypeAdapter
    from typer.main import get_command

    from portal.cli import jose  # noqa: F401 - imported by commands when they get there
    from portal.cli.main import app

    TypeAdapter(str)  # as typer will, for what is typed
    command = get_command(app)
    gc.freeze()  # what is shared stays shared
    _serve(socket.socket(fileno=int(sys.argv[1])))
    coverage.process_startup()
    command(prog_name="bulkhead")
