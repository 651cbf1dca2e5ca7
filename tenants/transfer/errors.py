"""What stops a move; each message names the part, and what would be right.

TransferError
├── BadArchive    the file is not an archive that `export_tenant` writes, or was changed since
└── Taken         the tenant, or its address, exists here already
"""

from __future__ import annotations

from typing import Final

import psycopg
from django.db import DatabaseError

# COPY and named cursors are psycopg's own, whose errors Django does not wrap.
DATABASE_ERRORS: Final = (DatabaseError, psycopg.Error)


class TransferError(Exception):
    """Nothing was changed."""


class BadArchive(TransferError):  # noqa: N818 - a verdict, like the errors of the vault
    """The archive is refused. `part` is the member of the archive that is at fault."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(f"{part}: {reason}")
        self.part = part
        self.reason = reason


class Taken(TransferError):  # noqa: N818
    """The tenant can't come in beside what is here."""


def said(error: Exception) -> str:
    """Return the server's own sentence. What it quotes may be an archive's: nothing of it may drive a terminal."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    message = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
    return ascii(message or type(error).__name__)[1:-1][:200]
