"""A command as a child: its output masked on the way, its end taken over as one's own.

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
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import IO, Final, NoReturn

import typer

from portal.cli.failures import Failure
from portal.cli.masking import Masker
from portal.cli.signals import Signals, Told

_CHUNK: Final = 64 * 1024
_QUIET: Final = 2.0  # seconds without output after which those are left who outlive the command with its pipes open


class Child:
    """One command, with `environment`; `values` are masked in what it prints, None: nothing is."""

    def __init__(
        self, command: list[str], environment: Mapping[bytes, bytes], values: Collection[str] | None, signals: Signals
    ) -> None:
        self._ended = Event()
        self._pumps: list[Thread] = []
        self._signals = signals
        self._process = signals.start(lambda: self._launch(command, environment, piped=values is not None))
        masker = Masker(values or ())
        for stream, target in ((self._process.stdout, 1), (self._process.stderr, 2)):
            if stream is not None:
                pump = Thread(target=self._pump, args=(stream, target, masker.another()), daemon=True)
                pump.start()
                self._pumps.append(pump)

    def wait(self) -> int:
        """Return the exit code, or minus the signal that ended the command, once all of its output is shown."""
        code = self._signals.wait(self._process)
        self._ended.set()
        for pump in self._pumps:
            pump.join()
        return code

    @staticmethod
    def _launch(command: list[str], environment: Mapping[bytes, bytes], *, piped: bool) -> subprocess.Popen[bytes]:
        sys.stdout.flush()
        sys.stderr.flush()
        output = subprocess.PIPE if piped else None
        # Where both go to one place, one pipe keeps their order.
        errors = subprocess.STDOUT if piped and os.path.sameopenfile(1, 2) else output
        try:
            return subprocess.Popen(command, env=environment, stdout=output, stderr=errors, bufsize=0)  # noqa: S603 - the person's own
        except FileNotFoundError:
            raise Failure(127, f"{command[0]}: command not found") from None
        except OSError as error:
            raise Failure(126, f"{command[0]}: {error.strerror}") from None

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
        while not (self._ended.is_set() and self._signals.told):  # those who outlive the command may write for ever
            if watched.poll(200):
                data = os.read(source, _CHUNK)
                if not data:
                    return
                heard = time.monotonic()
                yield data
            elif self._ended.is_set() and time.monotonic() - heard > _QUIET:
                return


@contextmanager
def ending_as_told() -> Iterator[Signals]:
    """Heed signals within, and end this process by the one that it was told to end by."""
    try:
        with Signals() as signals:
            yield signals
    except Told as told:
        end_as(-told.number)


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
        try:
            data = data[os.write(target, data) :]
        except BlockingIOError:  # whoever shares the other end may have made it so: it is full, and not gone
            select.select([], [target], [])
