"""What the person at the terminal sees while a stack starts: one line a step, with its seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Progress:
    """Prints to a terminal with a spinner, elsewhere plainly; `quiet` prints nothing but warnings."""

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self._console = console or Console(highlight=False)
        self._quiet = quiet
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    @contextmanager
    def step(self, label: str) -> Iterator[None]:
        """Say what goes on, and how long it took once it is done."""
        if self._quiet:
            yield
            return
        started = time.monotonic()
        with self._console.status(f"{label} …"):
            yield
        self.done(label, time.monotonic() - started)

    def done(self, label: str, seconds: float) -> None:
        if not self._quiet:
            self._console.print(f"  [green]✓[/green] {label:<42} [dim]{seconds:5.1f} s[/dim]")

    def say(self, text: str = "") -> None:
        if not self._quiet:
            self._console.print(text, soft_wrap=True)

    def warn(self, text: str) -> None:
        self._console.print(f"  [yellow]![/yellow] {text}", soft_wrap=True)
