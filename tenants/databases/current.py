"""The compartment entered in the present context: one per thread and per asyncio task, never global."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, TypeVar

import psycopg
from django.conf import settings

from secrets_vault import derive

C = TypeVar("C")


class OutsideCompartmentError(RuntimeError):
    """A tenant's table was queried without entering that tenant's compartment: a bug, never a customer's mistake."""

    def __init__(self, alias: str | None = None) -> None:
        super().__init__(f"not inside the compartment {alias}" if alias else "not inside any compartment")


def role_password(role: str, version: int) -> str:
    """Return a tenant role's password: 256 bits, derived, so that none is stored and all can be rotated."""
    return _password(settings.DATABASE_SECRET, role, version)


def former_role_password(role: str, version: int) -> str | None:
    """Return what the same version is under the secret before, while that is being replaced."""
    return next((_password(secret, role, version) for secret in settings.DATABASE_SECRET_FALLBACKS), None)


def connected(role: str, version: int, connect: Callable[[str], C]) -> C:
    """Connect with a role's password, or else with the one before it. Raises psycopg.OperationalError."""
    try:
        return connect(role_password(role, version))
    except psycopg.OperationalError:
        former = former_role_password(role, version)
        if former is None:
            raise
    return connect(former)


def _password(secret: bytes, role: str, version: int) -> str:
    return derive(secret, "database role password", role, str(version)).hex()


@dataclass(frozen=True, slots=True)
class Entered:
    """A tenant's database role (also its schema and connection alias), and which of its passwords is in force.

    `suspended`: whoever entered may stay though the tenant be suspended.
    """

    role: str
    password_version: int = field(repr=False)
    suspended: bool = field(default=False, repr=False)


class _Entered:
    def __init__(self) -> None:
        self._variable: ContextVar[Entered | None] = ContextVar("compartment", default=None)
        self.set = self._variable.set
        self.get = self._variable.get
        self.reset = self._variable.reset

    def alias(self) -> str | None:
        inside = self.get()
        return inside.role if inside else None


entered: Final = _Entered()
