"""A child that dies is started again: after 1 s, then later each time, and at once counted anew when it had settled."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.demo.children import Child
from portal.demo.supervisor import LONGEST_PAUSE, SETTLED, Watch, watch


@pytest.fixture
def short_lived(tmp_path: Path) -> Iterator[Child]:
    child = Child("short", [sys.executable, "-c", "print('last words', flush=True)"], tmp_path)
    child.start()
    child.wait()
    yield child
    child.stop()


def test_a_living_child_is_no_news(tmp_path: Path) -> None:
    child = Child("sleeper", ["sleep", "60"], tmp_path)
    child.start()
    assert Watch(child, started=0).look(now=1) == ""
    child.stop()
    assert not child.running


def test_a_death_is_told_with_where_to_look(short_lived: Child) -> None:
    assert Watch(short_lived, started=0).look(now=1) == f"short ended, starting it again in 1 s (see {short_lived.log})"
    assert short_lived.last_words() == "last words"


def test_each_early_death_doubles_the_pause_up_to_a_limit(short_lived: Child) -> None:
    one, now, pauses = Watch(short_lived, started=0), 0.0, []
    for _ in range(7):
        one.look(now)
        assert one.due is not None
        pauses.append(one.due - now)
        now = one.due
        assert one.look(now) == "short started again"
        short_lived.wait()
    assert pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE]


def test_a_child_that_had_settled_starts_after_the_shortest_pause(short_lived: Child) -> None:
    one = Watch(short_lived, started=0, deaths=5)
    one.look(now=SETTLED + 1)
    assert one.due == SETTLED + 2


def test_watching_starts_a_killed_child_again(tmp_path: Path) -> None:
    child = Child("sleeper", ["sleep", "60"], tmp_path)
    child.start()
    first = child.process
    child.kill()
    told: list[str] = []
    deadline = time.monotonic() + 60
    watch([child], told.append, stopping=lambda: len(told) == 2 or time.monotonic() > deadline)
    assert child.running
    assert child.process is not first
    assert told[1] == "sleeper started again"
    child.stop()


def test_a_child_that_ignores_its_signal_is_killed(tmp_path: Path) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    child = Child("stubborn", [sys.executable, "-c", stubborn], tmp_path, patience=0.2)
    child.start()
    while "deaf" not in child.last_words():
        time.sleep(0.02)
    child.stop()
    assert not child.running
    assert not child.pid_file.exists()
