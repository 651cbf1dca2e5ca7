"""A run: waves until nobody is behind, busy tenants put aside and tried again, halting on the first failure."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from tenants.provisioning.line import Line
from tenants.provisioning.render import Step, rehearse
from tenants.rollout.behind import Standing, Target, standing
from tenants.rollout.crew import Crew
from tenants.rollout.outcome import Outcome, Report, Result
from tenants.rollout.waves import waves

# Seconds between the tries of a tenant that stays busy; each try waits for its lock besides.
PAUSES: Final = (0.5, 1.0, 2.0)


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
    """`chosen` are the slugs of the tenants to migrate, None all of them. The caller holds `lock.only_run`."""

    line: Line
    crew: Crew
    canaries: int
    watcher: Watcher
    chosen: Collection[str] | None = None
    report: Report = field(default_factory=Report)
    _steps: dict[str, Step] = field(default_factory=dict)
    _aside: dict[UUID, Outcome] = field(default_factory=dict)

    def run(self, found: Standing) -> Report:
        """Migrate who was found behind, then look again: tenants are made by older code meanwhile."""
        while behind := [target for target in found.behind if target.id not in self._aside]:
            if not self._steps.keys() >= set(self._lacking(behind)):
                self._steps = steps_for(self.line, behind, self.crew.using)
            for number, wave in enumerate(waves(behind, self.canaries)):
                self._wave(wave.name, wave.targets)
                if number == 0:
                    self._canaries_decide(wave.targets)
                if self.report.halted:
                    return self._finish(found)
            self._try_again()
            if self.report.halted:
                break
            found = standing(self.line, self.chosen)
        return self._finish(found)

    def _finish(self, found: Standing) -> Report:
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
                case Result.BUSY:
                    self._aside[outcome.target.id] = outcome
                case Result.FAILED:
                    self.report.failed.append(outcome)
                    self.report.halted = "A migration failed."

    def _steps_of(self, target: Target) -> list[Step]:
        return [self._steps[name] for name in self.line.after(target.version)]

    def _canaries_decide(self, targets: Sequence[Target]) -> None:
        """Go on only if a canary took its migrations: that all of them were busy is no evidence."""
        if all(target.id in self._aside for target in targets):
            self._try_again()
        if all(target.id in self._aside for target in targets):
            self.report.halted = "No canary could be migrated: all are busy."

    def _try_again(self) -> None:
        for pause in PAUSES:
            again = self._aside.keys()
            if not again or self.report.halted:
                return
            time.sleep(pause)
            # A tenant may have taken some of its migrations before it was busy.
            found = [each for each in standing(self.line, self.chosen).behind if each.id in again]
            self._aside = {each.id: self._aside[each.id] for each in found}  # others were destroyed meanwhile
            self._wave("busy tenants again", found)
