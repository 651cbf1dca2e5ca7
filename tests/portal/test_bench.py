"""`manage.py bench`: JSON lines for programs, a table for people, and nothing needed beforehand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.demo.children import ROOT
from tenants.records import migrations as records
from tests.benchmarks.frame import Bench, medians
from tests.benchmarks.scale.contestant import Contestant
from tests.benchmarks.scale.creation import many
from tests.benchmarks.scale.migrations import add


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it as a newcomer does: without one of the portal's settings."""
    ours = ("BULKHEAD_", "DATABASE_", "TEST_DATABASE_", "REDIS_", "CELERY_", "DJANGO_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    command = [sys.executable, "manage.py", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False)


def test_each_figure_is_a_line_beside_its_reference() -> None:
    done = bench("vault", "--quick")
    assert done.returncode == 0, done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    assert [figure["name"] for figure in figures] == ["seal", "open", "rotate_items_per_second", "rotate_memory"]
    for figure in figures:
        assert set(figure) == {"name", "value", "unit", "reference", "reference_value", "ratio"}
        more, less = figure["value"], figure["reference_value"]
        if figure["unit"] == "MB":  # of which less is better
            more, less = less, more
        assert figure["ratio"] == pytest.approx(more / less, abs=1e-4)  # as far as both are rounded
    assert "bare AESGCM" in done.stderr


def test_an_unknown_benchmark_is_named() -> None:
    done = bench("speed")
    assert done.returncode == 1
    assert "No benchmark speed. There are: catalog, compartments, secrets, start, vault." in done.stderr


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


@pytest.mark.parametrize("size", ["19", "0", "-5", "many"])
def test_a_size_is_a_number_that_flatness_can_be_told_from(size: str) -> None:
    done = bench("compartments", f"--tenants={size}")
    assert done.returncode != 0
    assert "at least 20" in done.stderr


def test_quick_asks_for_fewer_tenants_unless_told_how_many() -> None:
    sizes = [many(Bench(quick=quick, tenants=tenants)) for quick, tenants in ((True, None), (False, None), (True, 400))]
    assert sizes == [150, 1_000, 400]


def test_peers_are_needed_for_benchmarks_alone() -> None:
    """Neither the product nor its tests may need what is there to be measured against."""
    locks = ROOT / "deploy" / "locks"
    assert "django-tenants" in (locks / "bench.txt").read_text()
    for lock in ("runtime", "development"):
        assert "django-tenants" not in (locks / f"{lock}.txt").read_text()


def test_both_sides_migrate_the_same_records(tmp_path: Path) -> None:
    """The additive migrations follow the frozen ones, each the one before."""
    frozen = sorted(path.stem for path in Path(records.__file__ or "").parent.glob("[0-9]*.py"))
    added = [add(tmp_path, number) for number in (1, 2)]
    texts = [(tmp_path / f"{name}.py").read_text() for name in added]
    for text, before in zip(texts, [frozen[-1], added[0]], strict=True):
        assert f'dependencies = [("records", "{before}")]' in text


def test_a_contestant_answers_until_it_is_left_and_its_end_is_told() -> None:
    with Contestant("tests.benchmarks.scale.echo", {}) as contestant:
        assert contestant.ask("add", one=1, other=2) == 3
        assert contestant.ask("add", one=3, other=4) == 7
        with pytest.raises(RuntimeError, match="ended while asked to leave"):
            contestant.ask("leave")
