"""What stops a move; each message names the part, and what would be right.

TransferError
├── BadArchive    the file is not an archive that `export_tenant` writes, or was changed since
└── Taken         the tenant, or its address, exists here already
"""

from __future__ import annotations

from django.db import DatabaseError


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


def said(error: DatabaseError) -> str:
    """Return the server's own sentence. What it quotes may be an archive's: nothing of it may drive a terminal."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return ascii((diagnosis and diagnosis.message_primary) or type(error).__name__)[1:-1][:200]
