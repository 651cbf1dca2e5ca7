"""Whoever is told to end while the portal starts a build ends that build, or says what becomes of it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import httpx
import pytest

from tests.portal.cli.conftest import PROGRAM, CommandLine

COMMAND = ("run", "-r", "acme/api", "--", "echo", "ran")
START = ("build", "start", "-r", "acme/api")
# The program, with patience for a portal that is slow to answer.
PATIENT = (*PROGRAM[:-1], f"from portal.cli import signals; signals.PATIENCE = 60.0; {PROGRAM[-1]}")

STARTED = "it ends by itself after 3600 seconds"
ENDED = "has not said that the build has ended; else it ends by itself"


@dataclass
class Between:
    """The portal's API, behind a server that sends signals once the portal did what ends in `at`, before it says so.

    Calls that end in `silent` have no answer, or `instead` of the portal's one of a proxy's: status and body. Those
    that end in one of `hangs` have none before the run is over.
    """

    cli: CommandLine
    signals: tuple[signal.Signals, ...] = ()
    at: str = "/builds"
    silent: str = "-"
    instead: tuple[int, bytes] | None = None
    hangs: tuple[str, ...] = ()
    command: tuple[str, ...] = COMMAND
    over: Event = field(default_factory=Event)

    def run(self) -> tuple[int, str, str]:
        """Return how the run ended, and what it printed on standard output and error."""
        stored = self.cli.credentials.read_text()
        with self._served() as origin:
            self.cli.credentials.write_text(stored.replace(self.cli.portal, origin))
            self.process = self.cli.start(*self.command)
            out, err = self.process.communicate(timeout=120)
        self.cli.credentials.write_text(stored)
        return self.process.returncode, out, err

    @property
    def outcomes(self) -> list[str]:
        return [item["outcome"] for item in self.cli.json("build", "list")]

    def tell(self) -> None:
        for number in self.signals:
            self.process.send_signal(number)
            time.sleep(0.1)

    @contextmanager
    def _served(self) -> Iterator[str]:
        between = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name: self.headers[name] for name in ("Authorization", "Content-Type")}
                answer = httpx.post(f"{between.cli.portal}{self.path}", content=body, headers=headers, timeout=60)
                if self.path.endswith(between.at):
                    between.tell()
                if self.path.endswith(between.hangs):
                    between.over.wait(120)
                if self.path.endswith(between.silent) and between.instead:
                    self._answer(*between.instead)
                elif not self.path.endswith((between.silent, *between.hangs)):
                    self._answer(answer.status_code, answer.content)

            def _answer(self, status: int, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = False  # what was asked of the portal is done when this ends, also if nobody waited for it

        with Server(("127.0.0.1", 0), Handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                self.over.set()
                server.shutdown()


@pytest.mark.parametrize(
    ("command", "signals"),
    [
        (COMMAND, (signal.SIGHUP,)),
        (COMMAND, (signal.SIGINT, signal.SIGTERM)),
        (START, (signal.SIGTERM,)),
        ((*START, "-o", "build.json"), (signal.SIGINT,)),
    ],
    ids=["told-once", "told-twice", "to-hand-it-over", "to-hand-it-over-in-a-file"],
)
def test_a_build_that_was_started_a_moment_ago_ends_with_it(
    command: tuple[str, ...], signals: tuple[signal.Signals, ...], cli: CommandLine
) -> None:
    """What the portal began is ended there, the command never runs, and this process ends by the signal."""
    between = Between(replace(cli, program=PATIENT), signals, command=command)
    code, out, err = between.run()
    assert (code, out, err) == (-signals[0], "", "")
    assert between.outcomes == ["cancelled"]
    assert not (cli.home / "build.json").exists()


@pytest.mark.parametrize(
    ("command", "hangs", "told", "outcome"),
    [
        (COMMAND, ("/builds",), STARTED, "running"),
        (COMMAND, ("/decrypt-key", "/end"), ENDED, "cancelled"),
        (START, ("/builds",), STARTED, "running"),
    ],
    ids=["start", "end", "start-to-hand-it-over"],
)
def test_told_twice_it_waits_a_moment_for_each_answer_and_says_what_becomes_of_the_build(
    command: tuple[str, ...], hangs: tuple[str, ...], told: str, outcome: str, cli: CommandLine
) -> None:
    """Else it would wait for 15 seconds, and fail by itself."""
    between = Between(cli, (signal.SIGINT, signal.SIGTERM), at=hangs[0], hangs=hangs, command=command)
    code, out, err = between.run()
    assert (code, out, between.outcomes) == (-signal.SIGINT, "", [outcome])
    assert told in err


@pytest.mark.parametrize(
    "instead", [(504, b"<html>"), (502, b""), (200, b"<html>")], ids=["gateway-timeout", "bad-gateway", "a-page"]
)
def test_what_stands_between_does_not_say_whether_the_portal_started_a_build(
    instead: tuple[int, bytes], cli: CommandLine
) -> None:
    between = Between(cli, silent="/builds", instead=instead)
    code, out, err = between.run()
    assert (code, out, between.outcomes) == (6, "", ["running"])
    assert STARTED in err


def test_a_portal_that_does_not_say_whether_it_started_a_build(cli: CommandLine) -> None:
    between = Between(cli, silent="/builds")
    code, out, err = between.run()
    assert (code, out, between.outcomes) == (6, "", ["running"])
    assert "it ends by itself after 3600 seconds" in err
    assert "did not answer" in err


def test_an_end_that_the_portal_does_not_confirm_changes_nothing_of_how_the_command_ended(cli: CommandLine) -> None:
    code, out, err = Between(cli, silent="/end").run()
    assert (code, out) == (0, "ran\n")
    assert "ends by itself" in err
