"""`make demo` as its user sees it: it starts, says where, survives a dying child, ends without a trace, keeps data."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
import pytest

from portal.demo import __main__ as demo
from portal.demo.children import ROOT, Child
from portal.demo.processes import listens
from portal.demo.supervisor import watch
from tests.measuring import measuring_nothing, unmeasured
from tests.portal.demo.watching import left_after

READY = re.compile(r"Bulkhead is ready: (http://127\.0\.0\.1:\d+)")
PATIENCE = 90.0  # seconds: a busy machine takes ten times as long as a quiet one


@contextmanager
def started(directory: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "portal.demo", "--directory", str(directory), *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=unmeasured(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(stream: IO[str] | None, pattern: re.Pattern[str]) -> str:
    assert stream is not None
    for line in stream:
        if found := pattern.search(line):
            return found[1]
    raise AssertionError(f"it never said {pattern.pattern}")


def ports(directory: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((directory / "ports.json").read_text())
    return found


def assert_all_ended(directory: Path) -> None:
    """Each server was waited for, and what such a server started itself is gone as soon as the system has noticed."""
    assert list((directory / "run").glob("*.pid")) == []
    assert left_after(directory, seconds=PATIENCE) == {}


def test_the_demo_from_first_start_to_last_stop(tmp_path: Path) -> None:
    """One story, because each start costs seconds: first start, second beside it, a death, the stop, a sudden end."""
    with started(tmp_path) as process:
        address = read_until(process.stdout, READY)
        # Of the web server's processes this may be another one than has answered so far: its first page takes longer.
        assert httpx.get(f"{address}/health/ready", timeout=PATIENCE).status_code == 200
        with started(tmp_path) as second:
            assert second.wait(timeout=PATIENCE) == 1
            assert second.stderr is not None
            assert f"already runs from this directory (process {process.pid})" in second.stderr.read()
        first_ports = ports(tmp_path)
        os.kill(int((tmp_path / "run" / "identity.pid").read_text().split()[0]), signal.SIGKILL)
        assert read_until(process.stdout, re.compile("(identity) ended, starting it again in 1 s")) == "identity"
        assert read_until(process.stdout, re.compile("(identity) started again")) == "identity"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
    assert_all_ended(tmp_path)

    with started(tmp_path) as process:
        assert read_until(process.stdout, READY) == address
        assert ports(tmp_path) == first_ports
        process.kill()
        process.wait()
    assert left_after(tmp_path, seconds=PATIENCE) == {}
    assert not any(listens(port) for port in first_ports.values())


@pytest.fixture
def _signals() -> Iterator[None]:
    """Leave the signal handlers as they were; the demo sets its own."""
    before = {number: signal.getsignal(number) for number in demo.ENDINGS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals")
def test_control_c_ends_everything_with_a_good_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["demo", "--directory", str(tmp_path), "--fresh"])

    up = threading.Event()

    def watching(children: Iterable[Child], tell: Callable[[str], None], stopping: Callable[[], bool]) -> None:
        up.set()
        watch(children, tell, stopping)

    def press_control_c() -> None:
        if up.wait(2 * PATIENCE):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(demo, "watch", watching)
    impatient = threading.Thread(target=press_control_c, daemon=True)
    impatient.start()
    with measuring_nothing():  # but this process
        assert demo.main() == 0
    impatient.join()
    said = capsys.readouterr().out
    assert READY.search(said)
    assert ".venv/bin/bulkhead login --portal http://127.0.0.1:" in said
    assert said.rstrip().endswith("Everything it started has ended; the data stays.")
    assert_all_ended(tmp_path)


@pytest.mark.usefixtures("_signals")
def test_what_keeps_it_from_starting_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["demo", "--directory", str(tmp_path)])
    monkeypatch.setenv("BULKHEAD_DEMO_DATABASE_URL", "mysql://root:canary-password@nowhere/x")
    assert demo.main() == 1
    said = capsys.readouterr().err
    assert said == "demo: BULKHEAD_DEMO_DATABASE_URL is no PostgreSQL connection URL.\n"
