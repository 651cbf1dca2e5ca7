"""A run: waves until nobody is behind, busy tenants put aside and tried again, halting on the first failure."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from tenants.provisioning.line import Line
from tenants.provisioning.render import Step, rehearse
from tenants.registry.models import Tenant
from tenants.rollout.behind import Standing, Target, standing
from tenants.rollout.crew import Crew
from tenants.rollout.outcome import Outcome, Report, Result
from tenants.rollout.waves import a_tenth, canaries, in_order

# Seconds between the tries of a tenant that stays busy; each try waits for its lock besides.
PAUSES: Final = (0.5, 1.0, 2.0)
# So many tenants whose statements take too long are not an exception any more: the migration is too slow as it is.
TOO_MANY_SLOW: Final = 3


class Watcher(Protocol):
    """Is told how a run goes, from one thread."""

    def wave(self, name: str, size: int) -> None: ...

    def outcome(self, outcome: Outcome) -> None: ...


def steps_for(line: Line, targets: Sequence[Target], using: str = "default") -> dict[str, Step]:
    """Return each migration that any of the tenants lacks, rendered, by name. Raises UnfitMigrationError."""
    if not targets:
        return {}
    oldest = min((target.version for target in targets), key=line.names.index)
    return {step.name: step for step in rehearse(line, after=oldest, using=using)}


@dataclass(slots=True)
class Rollout:
    """`chosen` are the slugs of the tenants to migrate, None all of them but `spared`.

    The caller holds `lock.only_run`.
    """

    line: Line
    crew: Crew
    canaries: int
    watcher: Watcher
    chosen: Collection[str] | None = None
    spared: Collection[str] = ()
    report: Report = field(default_factory=Report)
    _steps: dict[str, Step] = field(default_factory=dict)
    _aside: dict[UUID, Outcome] = field(default_factory=dict)
    _last: UUID | None = None  # who was migrated last

    def run(self, found: Standing) -> Report:
        """Migrate who was found behind, then look again: tenants are made by older code meanwhile."""
        while behind := [target for target in found.behind if target.id not in self._aside]:
            if not self._steps.keys() >= set(self._lacking(behind)):
                self._steps = steps_for(self.line, behind, self.crew.using)
            self._in_waves(behind)
            if self.report.halted:
                break
            self._try_again()
            if self.report.halted:
                break
            found = standing(self.line, self.chosen, self.spared)
        return self._finish(found)

    def _in_waves(self, behind: Sequence[Target]) -> None:
        """Canaries until one of them took its migrations: one that is busy is no evidence. Then a tenth, then all."""
        rest, before = in_order(behind), self.report.migrated
        while rest and self.report.migrated == before and not self.report.halted:
            rest = self._wave_of("canaries", canaries(rest, self.canaries), rest)
        for name, share in (("a tenth", a_tenth), ("the rest", list)):
            if rest and not self.report.halted:
                rest = self._wave_of(name, share(rest), rest)

    def _wave_of(self, name: str, targets: list[Target], rest: list[Target]) -> list[Target]:
        self._wave(name, targets)
        return rest[len(targets) :]

    def _finish(self, found: Standing) -> Report:
        if self._last is not None:
            # A write that waits for the disk: what was committed before it is on the disk then, too.
            Tenant.objects.using(self.crew.using).filter(id=self._last).update(schema_failure="")
        self.report.ahead = found.ahead
        self.report.busy = list(self._aside.values())
        return self.report

    def _lacking(self, targets: Sequence[Target]) -> list[str]:
        return [name for version in {target.version for target in targets} for name in self.line.after(version)]

    def _wave(self, name: str, targets: Sequence[Target]) -> None:
        self.watcher.wave(name, len(targets))
        for outcome in self.crew.migrate(targets, self._steps_of):
            self.watcher.outcome(outcome)
            self._aside.pop(outcome.target.id, None)
            match outcome.result:
                case Result.MIGRATED:
                    self.report.migrated += 1
                    self._last = outcome.target.id
                case Result.BUSY | Result.SLOW:
                    self._aside[outcome.target.id] = outcome
                    self._halt_if_slow()
                case Result.FAILED:
                    self.report.failed.append(outcome)
                    self.report.halted = "A migration failed."

    def _halt_if_slow(self) -> None:
        if sum(outcome.result is Result.SLOW for outcome in self._aside.values()) >= TOO_MANY_SLOW:
            self.report.halted = "The migration takes longer than --statement-timeout in one tenant after the other."
            self.crew.halted.set()

    def _steps_of(self, target: Target) -> list[Step]:
        return [self._steps[name] for name in self.line.after(target.version)]

    def _try_again(self) -> None:
        for pause in PAUSES:
            # What took too long once would take as long again.
            again = {key for key, outcome in self._aside.items() if outcome.result is Result.BUSY}
            if not again or self.report.halted:
                return
            time.sleep(pause)
            # A tenant may have taken some of its migrations before it was busy.
            found = [each for each in standing(self.line, self.chosen, self.spared).behind if each.id in again]
            gone = again - {each.id for each in found}  # destroyed meanwhile
            self._aside = {key: outcome for key, outcome in self._aside.items() if key not in gone}
            self._wave("busy tenants again", found)
