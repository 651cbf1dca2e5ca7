"""A command as a child: its output masked on the way, signals handed on, its end taken over as one's own.

With masking, the command writes into pipes and sees no terminal: a program that colours its output or asks questions
behaves as in a CI job. A pseudo-terminal would keep the terminal, and change the bytes of every other output (line
ends, echo) for good. Without masking the command has this process's own output, terminal and all.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from threading import Event, Thread
from types import FrameType
from typing import IO, Final, NoReturn

import typer

from portal.cli.failures import Failure
from portal.cli.masking import Masker

HANDED_ON: Final = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_TYPED: Final = frozenset({signal.SIGINT, signal.SIGQUIT})
_CHUNK: Final = 64 * 1024
_QUIET: Final = 2.0  # seconds without output after which those are left who outlive the command with its pipes open


class Child:
    """One command, with `environment`; `values` are masked in what it prints, None: nothing is."""

    def __init__(self, command: list[str], environment: Mapping[str, str], values: Iterable[str] | None) -> None:
        self.cancelled = False  # whether a signal that ends programs was handed on
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._ended = Event()
        self._typed_here = _is_foreground()
        self._pumps: list[Thread] = []
        for number in HANDED_ON:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's child ignores it too
                signal.signal(number, self._hand_on)
        self._process = self._start(command, environment, None if values is None else list(values))
        while self._early:
            self._process.send_signal(self._early.pop(0))

    def wait(self) -> int:
        """Return the exit code, or minus the signal that ended the command, once all of its output is shown."""
        assert self._process is not None  # noqa: S101 - the constructor has raised otherwise
        code = self._process.wait()
        self._ended.set()
        for pump in self._pumps:
            pump.join()
        return code

    def _start(
        self, command: list[str], environment: Mapping[str, str], values: list[str] | None
    ) -> subprocess.Popen[bytes]:
        sys.stdout.flush()
        sys.stderr.flush()
        piped = None if values is None else subprocess.PIPE
        # Where both go to one place, one pipe keeps their order.
        errors = subprocess.STDOUT if piped and os.path.sameopenfile(1, 2) else piped
        try:
            process = subprocess.Popen(command, env=environment, stdout=piped, stderr=errors, bufsize=0)  # noqa: S603 - the person's own
        except FileNotFoundError:
            raise Failure(127, f"{command[0]}: command not found") from None
        except OSError as error:
            raise Failure(126, f"{command[0]}: {error.strerror}") from None
        for stream, target in ((process.stdout, 1), (process.stderr, 2)):
            if stream is not None:
                pump = Thread(target=self._pump, args=(stream, target, Masker(values or [])), daemon=True)
                pump.start()
                self._pumps.append(pump)
        return process

    def _hand_on(self, number: int, _frame: FrameType | None) -> None:
        self.cancelled |= number not in {signal.SIGUSR1, signal.SIGUSR2}
        if self._process is None:
            self._early.append(number)
        elif not (self._typed_here and number in _TYPED):  # a terminal sends what is typed to the command as well
            self._process.send_signal(number)

    def _pump(self, stream: IO[bytes], target: int, masker: Masker) -> None:
        # Where nobody reads any more, closing our end tells the command so, as it would learn without us.
        with suppress(OSError), stream:
            for data in self._arriving(stream.fileno()):
                _write(target, masker.feed(data))
            _write(target, masker.flush())

    def _arriving(self, source: int) -> Iterable[bytes]:
        watched = select.poll()
        watched.register(source, select.POLLIN | select.POLLHUP)
        heard = time.monotonic()
        while True:
            if watched.poll(200):
                data = os.read(source, _CHUNK)
                if not data:
                    return
                heard = time.monotonic()
                yield data
            elif self._ended.is_set() and time.monotonic() - heard > _QUIET:
                return


def end_as(code: int) -> NoReturn:
    """End this process as the command ended: with its exit code, or by its signal."""
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # this process holds values: it leaves no image of itself
        sys.stdout.flush()
        sys.stderr.flush()
        with suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    raise typer.Exit(code if code >= 0 else 128 - code)


def _write(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]


def _is_foreground() -> bool:
    """Whether a terminal sends what is typed to this process and so to the command."""
    with suppress(OSError):
        return os.tcgetpgrp(0) == os.getpgrp()
    return False
