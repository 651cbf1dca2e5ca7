"""How a command ends: the exit codes, and the one exception that carries them to the shell."""

from __future__ import annotations

import os
from enum import IntEnum
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
        try:
            return super().invoke(ctx)
        except Failure as failure:
            complain(failure.message)
            raise typer.Exit(failure.code) from None
        except Exception as error:
            # An HTTP library's traceback could show a request; whoever debugs asks for it, on their own machine.
            if isinstance(error, (typer.Exit, typer.Abort, typer.BadParameter, OSError)) or _expected(error):
                raise
            if os.environ.get("BULKHEAD_DEBUG") == "1":
                raise
            complain(f"unexpected {type(error).__name__}; set BULKHEAD_DEBUG=1 to see where")
            raise typer.Exit(Code.FAILED) from None


def _expected(error: Exception) -> bool:
    """Whether it is one of typer's own, such as a usage error, which typer words and ends itself."""
    return hasattr(error, "exit_code") or hasattr(error, "format_message")
