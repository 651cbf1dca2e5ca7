"""A signal is heeded whenever it comes: before there is a command, while one starts, and wherever it is delivered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from portal.cli.child import Child
from portal.cli.signals import Signals, Told

ROOT = Path(__file__).parents[3]

# The kernel may give a process's signal to any of its threads; Python's handlers run in the first one alone.
ELSEWHERE = """
import os, signal, sys, threading, time
from portal.cli.child import Child
from portal.cli.signals import Signals
with Signals() as signals:
    child = Child(["sh", "-c", "sleep 300"], os.environb, [], signals)
    def told():
        time.sleep(0.3)
        signal.pthread_kill(threading.get_ident(), signal.SIGHUP)
    threading.Thread(target=told).start()
    print(child.wait())
"""


def test_a_signal_that_another_thread_is_given_is_handed_on() -> None:
    """At once, and not when the command has ended by itself: that would take minutes, and end with 0."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ELSEWHERE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"{-signal.SIGHUP}\n"


def test_before_there_is_a_command_it_ends_the_run_at_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.cli.signals.PATIENCE", 600.0)  # none of it runs out between two lines
    with Signals() as signals:
        signals.heed()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Told):
            signals.heed()
        with pytest.raises(Told):
            Child(["sh", "-c", "exit 3"], os.environb, [], signals)
        os.kill(os.getpid(), signal.SIGINT)  # asked twice, it waits for answers, and not for long
        with pytest.raises(Told):
            os.kill(os.getpid(), signal.SIGINT)  # asked three times, for nothing
    assert signals.ending


def test_after_the_command_it_ends_the_run_again() -> None:
    with Signals() as signals:
        assert signals.wait(signals.start(lambda: subprocess.Popen(["true"]))) == 0
        assert not signals.told
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.told
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Told):
            os.kill(os.getpid(), signal.SIGTERM)


def test_what_comes_while_the_command_starts_is_the_commands() -> None:
    def launch() -> subprocess.Popen[bytes]:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
        return subprocess.Popen(["sleep", "300"])

    before = signal.getsignal(signal.SIGTERM)
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGUSR1)  # ends nothing here
        process = signals.start(launch)
        assert signals.wait(process) in {-signal.SIGTERM, -signal.SIGUSR1}
    assert signal.getsignal(signal.SIGTERM) is before
