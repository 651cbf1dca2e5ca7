"""One additive migration over all tenants, and a run that finds nothing to do; wall time, start of Django included."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Final

from tests.benchmarks.frame import Bench, medians
from tests.benchmarks.scale.creation import many
from tests.benchmarks.scale.ground import Ground
from tests.benchmarks.scale.migrations import add
from tests.benchmarks.scale.sides import EXECUTORS, Ours, Theirs

TENANTS: Final = 200
TENANTS_QUICKLY: Final = 80
GOAL: Final = 1.5  # seconds


def against_peer(bench: Bench, at: Ground, ours: Ours, theirs: Theirs) -> None:
    size, rounds = (TENANTS_QUICKLY, 1) if bench.quick else (TENANTS, 3)
    ours.grow(size)
    theirs.grow(size)
    steps = iter(range(1, 1 + rounds * len(EXECUTORS)))

    def additive() -> None:
        add(at.migrations, next(steps))

    _compare(bench, "migrate_200", size, _rounds(ours, theirs, additive, rounds))
    _compare(bench, "migrate_noop_200", size, _rounds(ours, theirs, _nothing, rounds))


def _nothing() -> None:
    """What nothing needs."""


def _rounds(ours: Ours, theirs: Theirs, prepare: Callable[[], None], rounds: int) -> dict[str, float]:
    """Return each contestant's median seconds; `prepare` may make a migration for both sides before each turn."""
    figures: dict[str, list[float]] = {"ours": [], **{executor: [] for executor in EXECUTORS}}
    for _ in range(rounds):
        for executor in EXECUTORS:
            prepare()
            figures["ours"].append(ours.migrate())
            figures[executor].append(theirs.migrate(executor))
    return {name: statistics.median(turns) for name, turns in figures.items()}


def _compare(bench: Bench, name: str, size: int, seconds: dict[str, float]) -> None:
    best = min(EXECUTORS, key=lambda executor: seconds[executor])
    reference = f"django-tenants, {best} (quicker of two), {size} tenants"
    bench.duration(name, seconds["ours"], "s", reference, seconds[best])


def nothing_to_do(bench: Bench, ours: Ours) -> None:
    ours.migrate()  # tenants made since the last migration
    seconds = medians({"ours": ours.migrate}, rounds=3 if bench.quick else 7)
    reference = f"the goal at 1,000 tenants (here {many(bench):,})"
    bench.duration("migrate_noop_1000", seconds["ours"], "s", reference, GOAL)
