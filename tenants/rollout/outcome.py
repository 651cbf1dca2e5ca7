"""What became of a tenant in a run, and the reasons for which a migration doesn't reach it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import psycopg

from tenants.rollout.behind import Target

_BUSY: Final = {"55P03", "40P01"}  # somebody else holds what the migration needs: lock timeout, deadlock
_SLOW: Final = {"57014"}  # statement timeout
MOVED: Final = "BH001"  # the tenant's row is gone, or at another version than it was when the run looked
_LONGEST: Final = 400


class StepError(Exception):
    """A migration failed in a tenant: which one, at which statement, and why."""

    def __init__(self, migration: str, statement: str, reason: str) -> None:
        super().__init__(f"{migration}: {reason}")
        self.migration, self.statement, self.reason = migration, shortened(statement), reason


class BusyError(StepError):
    """The tenant was too busy to take a migration now."""


class SlowError(StepError):
    """A statement took longer than it may."""


class MovedError(Exception):
    """The tenant is gone, or no longer at the version that it was at."""


class Result(StrEnum):
    MIGRATED = "migrated"
    BUSY = "busy"
    SLOW = "slow"
    FAILED = "failed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Outcome:
    target: Target
    result: Result
    migration: str = ""
    statement: str = ""
    reason: str = ""

    def sentence(self) -> str:
        """Return one line that names tenant, schema, migration, statement and reason."""
        told = f"{self.target.slug} ({self.target.schema}) {self.result} at {self.migration}: {self.reason}"
        return f"{told}\n  in: {self.statement}" if self.statement else told


@dataclass(slots=True)
class Report:
    """What a run did. `halted` says why it stopped early."""

    migrated: int = 0
    busy: list[Outcome] = field(default_factory=list)
    failed: list[Outcome] = field(default_factory=list)
    ahead: list[Target] = field(default_factory=list)
    halted: str = ""

    @property
    def is_complete(self) -> bool:
        return not (self.busy or self.failed or self.halted)


def step_error(migration: str, statement: str, error: psycopg.Error) -> StepError | MovedError:
    """Return what an error of the database means. Its detail is left out: that holds the tenant's rows."""
    if error.sqlstate == MOVED:
        return MovedError()
    reason = error.diag.message_primary or str(error).strip() or type(error).__name__
    kinds = {**dict.fromkeys(_BUSY, BusyError), **dict.fromkeys(_SLOW, SlowError)}
    return kinds.get(error.sqlstate or "", StepError)(migration, statement, reason)


def shortened(text: str, longest: int = _LONGEST) -> str:
    """Return `text` on one line, its middle left out if it is long."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest // 2]} … {line[-longest // 2 :]}"
