"""Keeps children alive: a dead one starts again, later each time it dies soon after, and that is said."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from portal.demo.children import Child

LONGEST_PAUSE = 30.0  # seconds
SETTLED = 60.0  # seconds after which a start counts as a good one


@dataclass
class Watch:
    """One child's recent history; times in monotonic seconds."""

    child: Child
    started: float
    deaths: int = 0
    due: float | None = None

    def look(self, now: float) -> str:
        """Return what to tell the person at the terminal, or nothing."""
        if self.due is not None:
            return self._start_again(now) if now >= self.due else ""
        if self.child.running:
            return ""
        self.deaths = 1 if now - self.started > SETTLED else self.deaths + 1
        pause = min(2.0 ** (self.deaths - 1), LONGEST_PAUSE)
        self.due = now + pause
        return f"{self.child.name} ended, starting it again in {pause:.0f} s (see {self.child.log})"

    def _start_again(self, now: float) -> str:
        self.child.start()
        self.started, self.due = now, None
        return f"{self.child.name} started again"


def watch(children: Iterable[Child], tell: Callable[[str], None], stopping: Callable[[], bool]) -> None:
    """Look after `children` until `stopping`."""
    watches = [Watch(child, time.monotonic()) for child in children]
    while not stopping():
        for one in watches:
            if news := one.look(time.monotonic()):
                tell(news)
        time.sleep(0.2)
