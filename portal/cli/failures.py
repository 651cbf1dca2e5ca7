"""How a command ends: the exit codes, and the one exception that carries them to the shell."""

from __future__ import annotations

import os
import sys
from enum import IntEnum
from errno import EPIPE
from io import TextIOWrapper
from typing import Any

import typer
from typer.core import TyperGroup

from portal.cli.output import complain


class Code(IntEnum):
    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    DENIED = 4
    GONE = 5
    UNAVAILABLE = 6


class Failure(Exception):  # noqa: N818 - a verdict with an exit code
    """The command can't do what was asked; `message` goes to standard error."""

    def __init__(self, code: int, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status  # that the portal answered with, if it did


class Commands(TyperGroup):
    """Turns failures into a line on standard error and an exit code; a traceback is shown to nobody unasked."""

    def invoke(self, ctx: Any) -> Any:
        _in_utf8()
        try:
            try:
                return self._told(ctx)
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()
        except OSError as error:
            if os.environ.get("BULKHEAD_DEBUG") == "1":
                raise
            _discard_output()
            if error.errno != EPIPE:  # else whoever reads has seen enough
                where = f"{error.filename}: " if error.filename else ""
                complain(f"{where}{error.strerror or type(error).__name__}")
            raise typer.Exit(Code.FAILED) from None

    def _told(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Failure as failure:
            complain(failure.message)
            raise typer.Exit(failure.code) from None
        except UnicodeDecodeError:
            complain("what was read is no UTF-8 text")
            raise typer.Exit(Code.FAILED) from None
        except Exception as error:
            # An HTTP library's traceback could show a request; whoever debugs asks for it, on their own machine.
            if isinstance(error, (typer.Exit, typer.Abort, typer.BadParameter, OSError)) or _expected(error):
                raise
            if os.environ.get("BULKHEAD_DEBUG") == "1":
                raise
            complain(f"unexpected {type(error).__name__}; set BULKHEAD_DEBUG=1 to see where")
            raise typer.Exit(Code.FAILED) from None


def _in_utf8() -> None:
    """Read and write what is piped as UTF-8, whatever the locale: values are stored as that, and files hold them so."""
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors="strict")
        elif isinstance(stream, TextIOWrapper) and stream is sys.stdout:
            stream.reconfigure(errors="replace")  # a terminal may lack what a name is written with


def _discard_output() -> None:
    # What could not be written is still in a buffer: the interpreter would try it again at its end, complain and exit
    # with a code of its own (Python's documentation, "Note on SIGPIPE").
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _expected(error: Exception) -> bool:
    """Whether it is one of typer's own, such as a usage error, which typer words and ends itself."""
    return hasattr(error, "exit_code") or hasattr(error, "format_message")
