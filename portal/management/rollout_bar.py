"""A run of `migrate_tenants` as a bar with rate and time left, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from tenants.rollout.outcome import Outcome, Result


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:.0f}/s")


class BarWatcher:
    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total)

    def wave(self, name: str, size: int) -> None:
        self._progress.update(self._task, description=name)

    def outcome(self, outcome: Outcome) -> None:
        if outcome.result in {Result.FAILED, Result.BUSY}:
            self._progress.console.print(outcome.sentence(), style="red", markup=False, highlight=False)
        else:
            self._progress.advance(self._task)


@contextmanager
def bar(total: int, console: Console | None = None) -> Iterator[BarWatcher]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate())
    with Progress(*columns, TimeRemainingColumn(), console=console or Console(stderr=True)) as progress:
        yield BarWatcher(progress, total)
