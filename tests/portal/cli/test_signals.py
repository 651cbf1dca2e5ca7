"""A signal is heeded whenever it comes: before there is a command, while one starts, and wherever it is delivered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from portal.cli.child import Child
from portal.cli.signals import Signals, Told
from tests.portal.cli.conftest import CommandLine

ROOT = Path(__file__).parents[3]

# The kernel may give a process's signal to any of its threads; Python's handlers run in the first one alone.
ELSEWHERE = """
import os, signal, sys, threading, time
from portal.cli.child import Child
from portal.cli.signals import Signals
with Signals() as signals:
    child = Child(["sh", "-c", "sleep 20"], dict(os.environ), [], signals)
    def told():
        time.sleep(0.3)
        signal.pthread_kill(threading.get_ident(), signal.SIGHUP)
    threading.Thread(target=told).start()
    print(child.wait())
"""


def test_a_signal_that_another_thread_is_given_is_handed_on() -> None:
    began = time.monotonic()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ELSEWHERE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"{-signal.SIGHUP}\n"
    assert time.monotonic() - began < 15


def test_before_there_is_a_command_it_ends_the_run_at_the_next_step() -> None:
    with Signals() as signals:
        signals.heed()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Told):
            signals.heed()
        with pytest.raises(Told):
            Child(["sh", "-c", "exit 3"], os.environ, [], signals)
        with pytest.raises(Told):  # asked again, it waits for nothing
            os.kill(os.getpid(), signal.SIGINT)
    assert signals.ending


def test_what_comes_while_the_command_starts_is_the_commands() -> None:
    def launch() -> subprocess.Popen[bytes]:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
        return subprocess.Popen(["sleep", "20"])

    before = signal.getsignal(signal.SIGTERM)
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGUSR1)  # ends nothing here
        process = signals.start(launch)
        assert signals.wait(process) in {-signal.SIGTERM, -signal.SIGUSR1}
    assert signal.getsignal(signal.SIGTERM) is before


@contextmanager
def in_between(portal: str, process: list[subprocess.Popen[str]], number: int) -> Iterator[str]:
    """Serve the portal's API; send the signal once the portal has started a build, and before it says so."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name: self.headers[name] for name in ("Authorization", "Content-Type")}
            answer = httpx.post(f"{portal}{self.path}", content=body, headers=headers)
            if self.path.endswith("/builds"):
                process[0].send_signal(number)
                time.sleep(0.2)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_build_that_was_started_a_moment_ago_ends_with_it(cli: CommandLine) -> None:
    """What the portal began is ended there, the command never runs, and this process ends by the signal."""
    started: list[subprocess.Popen[str]] = []
    with in_between(cli.portal, started, signal.SIGHUP) as between:
        stored = cli.credentials.read_text()
        cli.credentials.write_text(stored.replace(cli.portal, between))
        started.append(cli.start("run", "-r", "acme/api", "--", "echo", "ran"))
        out, _ = started[0].communicate(timeout=30)
        cli.credentials.write_text(stored)
    assert (started[0].returncode, out) == (-signal.SIGHUP, "")
    assert [item["outcome"] for item in cli.json("build", "list")] == ["cancelled"]
