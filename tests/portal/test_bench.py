"""`manage.py bench`: JSON lines for programs, a table for people, and nothing needed beforehand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from portal.demo.children import ROOT
from tests.benchmarks.frame import Bench, medians


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it as a newcomer does: without one of the portal's settings."""
    ours = ("BULKHEAD_", "DATABASE_", "TEST_DATABASE_", "REDIS_", "CELERY_", "DJANGO_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    command = [sys.executable, "manage.py", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_each_figure_is_a_line_beside_its_reference() -> None:
    done = bench("seal", "--quick")
    assert done.returncode == 0, done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    assert [figure["name"] for figure in figures] == ["seal", "open"]
    for figure in figures:
        assert set(figure) == {"name", "value", "unit", "reference", "reference_value", "ratio"}
        assert figure["ratio"] == pytest.approx(figure["value"] / figure["reference_value"], rel=0.01)
    assert "bare AESGCM" in done.stderr


def test_an_unknown_benchmark_is_named() -> None:
    done = bench("speed")
    assert done.returncode == 1
    assert "No benchmark speed. There are: seal, start." in done.stderr


def test_a_ratio_says_how_many_times_better_we_are(capsys: pytest.CaptureFixture[str]) -> None:
    results = Bench(quick=True)
    results.rate("more", 20.0, "items/s", "reference", 10.0)
    results.duration("less", 1.0, "s", "reference", 3.0)
    assert [json.loads(line)["ratio"] for line in capsys.readouterr().out.splitlines()] == [2.0, 3.0]


def test_contestants_take_turns() -> None:
    order: list[str] = []

    def contestant(name: str) -> Callable[[], float]:
        def turn() -> float:
            order.append(name)
            return 1.0

        return turn

    assert medians({name: contestant(name) for name in ("ours", "theirs")}, rounds=2) == {"ours": 1.0, "theirs": 1.0}
    assert order == ["ours", "theirs", "ours", "theirs"]
