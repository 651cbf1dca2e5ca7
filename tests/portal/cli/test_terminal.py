"""What others wrote does not drive the terminal that shows it: names, labels, messages, and what a portal answers."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from portal.cli import output
from tests.conftest import Household
from tests.portal.cli.conftest import PROGRAM, CommandLine, NewCommandLine

# Sets the title and beeps, clears the screen, colours by a C1 code, turns the text around, overwrites the line.
DRIVING = ("\x1b]0;owned\x07", "\x1b[2J", "\x9b31m", "\u202e", "\rforged")
HOSTILE = f"x{''.join(DRIVING)}\nforged row"
ITEM = {
    **dict.fromkeys(["id", "name", "kind", "fingerprint", "url", "other", "state", "provider", "consumer"], HOSTILE),
    **dict.fromkeys(["created_at", "expires_at", "person", "size"], HOSTILE),
    "labels": [{"name": HOSTILE, "value": HOSTILE}],
    "filters": [[{"name": HOSTILE, "value": HOSTILE}]],
}


class HostilePortal(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(200, ITEM if self.path.endswith("/me") else {"items": [ITEM], "next": None})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(422, {"error": {"message": HOSTILE, "fields": {HOSTILE: HOSTILE}, "incident": HOSTILE}})

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hostile(household: Household, tmp_path: Path) -> Iterator[CommandLine]:
    """A command line that is signed in to a portal that means it ill."""
    with ThreadingHTTPServer(("127.0.0.1", 0), HostilePortal) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        made = CommandLine(f"http://127.0.0.1:{server.server_port}", tmp_path)
        made.sign_in(household)
        yield made
        server.shutdown()
        thread.join()


def on_a_terminal(cli: CommandLine, *arguments: str) -> str:
    """Run a command whose standard output and error are a terminal, and return what reaches the screen."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=cli.environment(TERM="xterm"),
    ):
        os.close(theirs)
        shown = b"".join(iter(reading(ours), b""))
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def reading(descriptor: int) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return os.read(descriptor, 65536)
        except OSError:  # the terminal's other end is closed
            return b""

    return read


COMMANDS = {
    "repositories": ["repository", "list"],
    "sets": ["parameter", "list"],
    "keys": ["ssh-key", "list"],
    "connections": ["connection", "list"],
    "messages": ["message", "list"],
    "me": ["whoami"],
    "a refusal": ["repository", "create", "x"],
    "json": ["repository", "list", "--json"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_portals_words_do_not_drive_the_terminal(command: list[str], hostile: CommandLine) -> None:
    piped = hostile.run(*command)
    for shown in (on_a_terminal(hostile, *command), piped.stdout + piped.stderr):
        assert "owned" in shown
        assert not [code for code in DRIVING if code in shown]


def test_a_row_stays_a_row(hostile: CommandLine) -> None:
    lines = hostile.run("repository", "list").stdout.splitlines()
    assert len(lines) == 2
    assert all(line.strip() for line in lines)


@pytest.mark.parametrize(
    "character", [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u202e", "\u2066", "\ud800"]
)
def test_every_control_character_is_replaced(character: str) -> None:
    kept = character in "\n\t"
    assert output.clean(f"a{character}b") == (f"a{character}b" if kept else "a\N{REPLACEMENT CHARACTER}b")


def test_a_message_is_cleaned_on_a_terminal_alone(
    cli: CommandLine, connected: Household, new_cli: NewCommandLine, sweep: Callable[[], int]
) -> None:
    text = '{"text":\r\n "\x9b2J \u202e ✓"}'
    message_id = cli.run("message", "send", "--to", connected.slug, "--ttl", "1h", stdin=text).stdout.strip()
    sweep()
    receiver = new_cli(connected)
    assert on_a_terminal(receiver, "message", "read", message_id) == '{"text":\n "\ufffd2J \ufffd ✓"}\n'
    piped = subprocess.run(
        [*PROGRAM, "message", "read", message_id], capture_output=True, check=True, env=receiver.environment()
    )
    assert piped.stdout == text.encode()


def test_exported_values_are_cleaned_on_a_terminal_alone(cli: CommandLine) -> None:
    assert cli.run("parameter", "set", "ESC", "--set", "red", stdin="a\x1b]0;owned\x07b").returncode == 0
    assert "ESC='a\ufffd]0;owned\ufffdb'\n" in on_a_terminal(cli, "parameter", "export", "--set", "red")
    assert "ESC='a\x1b]0;owned\x07b'\n" in cli.run("parameter", "export", "--set", "red").stdout
