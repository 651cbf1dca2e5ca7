"""One line a step with its seconds, and the verdict last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console


class StepError(Exception):
    """A step did not do what it should; the message says what was seen instead."""


class Report:
    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False)
        self._started = time.monotonic()
        self.current = ""
        self._skipped: list[str] = []

    @contextmanager
    def step(self, label: str) -> Iterator[None]:
        self.current = label
        started = time.monotonic()
        yield
        self._console.print(f"ok   {label:<72} {time.monotonic() - started:6.2f} s", soft_wrap=True)

    def skip(self, label: str, why: str) -> None:
        self._skipped.append(label)
        self._console.print(f"skip {label}: {why}", soft_wrap=True)

    def failed(self, error: BaseException, *, logs: Path | None) -> None:
        what = str(error) or type(error).__name__
        self._console.print(f"FAIL {self.current or 'before the first step'}: {what}", soft_wrap=True)
        if logs is not None:
            self._console.print(f"     logs of the processes: {logs}", soft_wrap=True)
        self._verdict("failed after")

    def passed(self) -> None:
        self._verdict("ok in")

    def _verdict(self, words: str) -> None:
        """Print the last line; what was skipped was not seen to work, so it is named."""
        but = f" (skipped: {', '.join(self._skipped)})" if self._skipped else ""
        self._console.print(f"main job: {words} {time.monotonic() - self._started:.1f} s{but}", soft_wrap=True)


def expect(condition: object, otherwise: str) -> None:
    if not condition:
        raise StepError(otherwise)


def until(condition: Callable[[], bool], otherwise: str, *, seconds: float = 60.0) -> None:
    """Wait for `condition`; raises StepError with `otherwise` when it takes longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, f"{otherwise} within {seconds:.0f} s")
        time.sleep(0.1)
