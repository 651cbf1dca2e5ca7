"""How `migrate_tenants` shows a plan, a run under way and what it did."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from django.core.management.base import OutputWrapper

from tenants.provisioning.line import Line
from tenants.provisioning.render import Step
from tenants.rollout.behind import Standing
from tenants.rollout.outcome import Outcome, Report, Result
from tenants.rollout.run import Watcher

LINE_EVERY: Final = 5.0  # seconds


class LineWatcher:
    """A line for each wave, each trouble, and now and then, for a log."""

    def __init__(self, total: int, stream: OutputWrapper) -> None:
        self._total, self._stream = total, stream
        self._done, self._begun = 0, time.monotonic()
        self._told = self._begun

    def wave(self, name: str, size: int) -> None:
        self._stream.write(f"{name}: {size}")

    def outcome(self, outcome: Outcome) -> None:
        if outcome.result in {Result.FAILED, Result.BUSY}:
            self._stream.write(outcome.sentence())
            return
        self._done += 1
        now = time.monotonic()
        if now - self._told >= LINE_EVERY:
            self._told = now
            rate = self._done / (now - self._begun)
            left = max(0, self._total - self._done) / rate
            self._stream.write(f"{self._done} of {self._total}, {rate:.0f}/s, {left:.0f} s left")


@contextmanager
def watcher(total: int, stream: OutputWrapper) -> Iterator[Watcher]:
    if not total or not sys.stderr.isatty():
        yield LineWatcher(total, stream)
        return
    from portal.management.rollout_bar import bar  # noqa: PLC0415 - nothing to do must cost nothing, imports included

    with bar(total) as watching:
        yield watching


def plan_as_text(line: Line, found: Standing, steps: Sequence[Step]) -> str:
    told = [f"{target.slug} ({target.schema}): {target.version} → {line.leaf}" for target in found.behind]
    told += [f"{each.slug} ({each.schema}): {each.version}, unknown here: left alone" for each in found.ahead]
    for step in steps:
        told.append(f"\n-- {step.name}")
        told += [statement.strip() for statement in step.statements] or ["-- Python, inside each compartment"]
    if not found.behind:
        told.append(f"Nobody is behind {line.leaf}.")
    return "\n".join(told)


def plan_as_json(line: Line, found: Standing, steps: Sequence[Step]) -> str:
    plan: dict[str, Any] = {
        "version": line.leaf,
        "tenants": [
            {
                "tenant": target.slug,
                "schema": target.schema,
                "from": target.version,
                "to": line.leaf,
                "canary": target.canary,
                "failure": target.failure,
            }
            for target in found.behind
        ],
        "migrations": [
            {"name": step.name, "kind": "python" if step.code else "sql", "statements": list(step.statements)}
            for step in steps
        ],
        "unknown": [{"tenant": each.slug, "schema": each.schema, "at": each.version} for each in found.ahead],
    }
    return json.dumps(plan, indent=2)


def report_as_json(line: Line, report: Report, seconds: float) -> dict[str, Any]:
    return {
        "version": line.leaf,
        "migrated": report.migrated,
        "failed": [_outcome_as_json(outcome) for outcome in report.failed],
        "busy": [_outcome_as_json(outcome) for outcome in report.busy],
        "unknown": [{"tenant": each.slug, "schema": each.schema, "at": each.version} for each in report.ahead],
        "halted": report.halted,
        "seconds": round(seconds, 3),
    }


def _outcome_as_json(outcome: Outcome) -> dict[str, str]:
    return {
        "tenant": outcome.target.slug,
        "schema": outcome.target.schema,
        "migration": outcome.migration,
        "statement": outcome.statement,
        "reason": outcome.reason,
    }
