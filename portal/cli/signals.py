"""Signals for `run`: before there is a command they end the run in good order, from then on they are the command's.

When that has ended they end what is left of the run. For `build start` there is never a command.

Asked once, it ends at the next step, when the portal has answered. Asked twice, the portal has `PATIENCE` left to say
that a build has started, and as long to say that it has ended. Asked three times, it has none.

A handler of Python's runs between two of its steps, and only in the main thread. A signal that comes just before that
thread begins to wait for a process, or that the kernel gives to another thread, would be handed on when the command
has ended by itself. So nothing waits for a process here: what wakes is a pipe, into which each signal is written the
moment it comes, also the one that says that a child has ended.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Final, Self

HANDED_ON: Final = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_ENDING: Final = frozenset(HANDED_ON) - {signal.SIGUSR1, signal.SIGUSR2}
_TYPED: Final = frozenset({signal.SIGINT, signal.SIGQUIT})
PATIENCE: Final = 2.0  # seconds; GitHub's runner, for one, asks a second time and kills 2.5 s later


class Told(BaseException):
    """A signal asked to end before there was a command."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Signals:
    """What this process is sent while a command is prepared, started and waited for; one at a time."""

    def __init__(self) -> None:
        self.ending = False  # whether a signal came that ends programs
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = False
        self._early: list[int] = []
        self._typed_here = _is_foreground()
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._woken, self._waking = os.pipe()
        for end in (self._woken, self._waking):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._waking, warn_on_full_buffer=False)
        for number in HANDED_ON:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's child ignores it too
                self._former[number] = signal.signal(number, self._arrived)
        self._former[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._former[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._waited)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(-1)
        os.close(self._woken)
        os.close(self._waking)

    def heed(self) -> None:
        """Raise Told if a signal asked to end so far; to be called where nothing is half done."""
        for number in self._asked():
            raise Told(number)

    def start(self, launch: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        """Start the command, whose signals they are from now on. Raises Told, and what `launch` raises."""
        self.heed()
        self._starting = True
        process = self._process = launch()
        while self._early:
            process.send_signal(self._early.pop(0))
        return process

    def wait_anew(self) -> None:
        """Give what is waited for from now on its own time, where the end was asked for twice."""
        if len(self._asked()) > 1:
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        """Return the exit code, or minus the signal that ended the process."""
        while (code := process.poll()) is None:
            select.select([self._woken], [], [])
            with suppress(BlockingIOError):
                os.read(self._woken, 4096)
        self._process, self._starting = None, False
        return code

    @property
    def told(self) -> bool:
        """Whether a signal asked to end that was not the command's."""
        return bool(self._asked())

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        self.ending |= number in _ENDING
        if self._process is not None:
            if not (self._typed_here and number in _TYPED):  # a terminal sends what is typed to the command as well
                self._process.send_signal(number)
            return
        self._early.append(number)
        if number in _ENDING and not self._starting:
            if len(self._asked()) > 2:  # noqa: PLR2004 - see above
                raise Told(number)
            self.wait_anew()

    def _waited(self, _number: int, _frame: FrameType | None) -> None:
        if self._process is None and not self._starting:
            self.heed()

    def _asked(self) -> list[int]:
        return [number for number in self._early if number in _ENDING]


def _is_foreground() -> bool:
    """Whether a terminal sends what is typed to this process and so to the command."""
    with suppress(OSError):
        return os.tcgetpgrp(0) == os.getpgrp()
    return False
