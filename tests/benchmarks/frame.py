"""The frame of every benchmark: contestants take turns, medians are compared, results are ratios."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Result:
    """One figure beside its reference's; `ratio` is how many times better than the reference we are (> 1: we win)."""

    name: str
    value: float
    unit: str
    reference: str
    reference_value: float
    ratio: float


class Bench:
    """Collects results; `quick` asks for fewer rounds and smaller sizes under the same names.

    `tenants` is the size that was asked for, where a benchmark has one; None leaves it to the benchmark.
    """

    def __init__(self, *, quick: bool, tenants: int | None = None) -> None:
        self.quick = quick
        self.tenants = tenants
        self.results: list[Result] = []

    def rate(self, name: str, value: float, unit: str, reference: str, reference_value: float) -> None:
        """Record a figure of which more is better (operations per second)."""
        self._add(Result(name, value, unit, reference, reference_value, value / reference_value))

    def duration(self, name: str, value: float, unit: str, reference: str, reference_value: float) -> None:
        """Record a figure of which less is better (seconds)."""
        self._add(Result(name, value, unit, reference, reference_value, reference_value / value))

    def _add(self, result: Result) -> None:
        self.results.append(result)
        figures = {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(result).items()}
        print(json.dumps(figures), flush=True)  # noqa: T201 - standard output is the benchmark's result

    def table(self) -> None:
        """Show all results to a person, on standard error."""
        table = Table("benchmark", "ours", "reference", "", "ratio")
        for result in self.results:
            ours, theirs = f"{result.value:,.3f} {result.unit}", f"{result.reference_value:,.3f} {result.unit}"
            table.add_row(result.name, ours, theirs, result.reference, f"{result.ratio:.2f}")
        Console(stderr=True).print(table)


def interleaved(
    contestants: Mapping[str, Callable[[], object]], *, rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Return each contestant's median seconds over `rounds`, taking turns so that noise is shared.

    Who computes in this process and waits for nothing is better judged by `time.process_time`.
    """

    def timed(contestant: Callable[[], object]) -> Callable[[], float]:
        def turn() -> float:
            started = clock()
            contestant()
            return clock() - started

        return turn

    return medians({name: timed(contestant) for name, contestant in contestants.items()}, rounds=rounds)


def medians(contestants: Mapping[str, Callable[[], float]], *, rounds: int) -> dict[str, float]:
    """Return the median of what each contestant says of itself over `rounds`, taking turns so that noise is shared."""
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            figures[name].append(contestant())
    return {name: statistics.median(turns) for name, turns in figures.items()}
