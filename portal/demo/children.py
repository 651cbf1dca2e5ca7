"""One child process: started with its log, tied to our life, found again after a crash, stopped for certain."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from portal.demo.errors import DemoError

ROOT = Path(__file__).resolve().parents[2]
TETHER = Path(__file__).with_name("tether.py")
LOG_LIMIT = 5_000_000  # bytes; an older log is kept once as `.1`


@dataclass(eq=False)
class Child:
    """A program and how to run it. `prefix` is what drops privileges; `standard_input` is fed once, then closed.

    Start it from a thread that lives as long as the child should: Linux ties the child to that thread.
    """

    name: str
    command: Sequence[str]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    prefix: Sequence[str] = ()
    standard_input: str = field(default="", repr=False)
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 10.0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    asked: bool = False

    @property
    def log(self) -> Path:
        return self.directory / "logs" / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return self.directory / "run" / f"{self.name}.pid"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def end_leftover(self) -> None:
        """End what an earlier start left behind, should our own end have been too sudden to take it along."""
        end_leftover(self.pid_file, self.stop_signal, self.patience)

    def start(self) -> None:
        self.end_leftover()
        for path in (self.log, self.pid_file):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        self.asked = False
        tether = [sys.executable, "-I", "-S", str(TETHER), str(int(self.stop_signal)), str(os.getpid())]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - commands are ours
                [*self.prefix, *tether, *self.command],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone, and we stop the others in order
            )
        self.pid_file.write_text(f"{self.process.pid} {_birth(self.process.pid)}\n")
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), self.process.stdin as standard_input:
                standard_input.write(self.standard_input.encode())  # a broken pipe: whoever waits for it says so

    def wait(self) -> int:
        """Wait for its end and return its exit status."""
        return self.process.wait() if self.process is not None else 0

    def ask_to_stop(self) -> None:
        if self.process is not None and not self.asked:
            self.asked = True
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Ask it to end, once; wait `patience` seconds, then kill it with all that it started."""
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.kill()
        self.pid_file.unlink(missing_ok=True)
        self.process = None

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def last_words(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""


def end_leftover(pid_file: Path, stop_signal: signal.Signals, patience: float) -> None:
    """End the process that `pid_file` names if it still is the same one: its start time tells it from a namesake."""
    if not pid_file.exists():
        return
    pid_text, _, birth = pid_file.read_text().strip().partition(" ")
    pid = int(pid_text)
    if birth and _birth(pid) == birth:
        os.kill(pid, stop_signal)
        if not _ends(pid, birth, patience):
            os.killpg(pid, signal.SIGKILL)  # it leads a session of its own, as every child of ours
            if not _ends(pid, birth, patience):
                raise DemoError(f"Process {pid} of an earlier start doesn't end. Stop it, then start again.")
    pid_file.unlink(missing_ok=True)


def _ends(pid: int, birth: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _birth(pid) == birth and time.monotonic() < deadline:
        time.sleep(0.02)
    return _birth(pid) != birth


def _birth(pid: int) -> str:
    """Return when a process started, in whatever unit the system has; empty for none and for a zombie."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            return "" if state == "Z" else rest[18]
        return ""
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return shown.stdout.strip()
