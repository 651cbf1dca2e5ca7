"""An id for each request, shown to the customer when something fails on our side, and written on every log line."""

from __future__ import annotations

import secrets
from contextvars import ContextVar
from typing import Final

current: Final[ContextVar[str]] = ContextVar("incident", default="")


def new() -> str:
    return secrets.token_hex(6)
