"""`manage.py rotate_database_passwords`: new passwords for tenants' database roles, while the portal serves."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Lock
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TimeRemainingColumn

from tenants.actor import Actor
from tenants.provisioning.passwords import Campaign, Outcome, campaign, rotate
from tenants.registry.models import Tenant

ACTOR: Final = Actor.operator("rotate_database_passwords")


class Command(BaseCommand):
    help = (
        "Give the database roles of all tenants, or of one, new passwords while the portal serves. Runs as the "
        "provisioner or the owner. A run that was cut off is finished with --resume; two at once do no harm."
    )
    requires_system_checks = []  # noqa: RUF012 - the shape that Django gives it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="only this tenant")
        parser.add_argument("--resume", action="store_true", help="only tenants behind the newest version")
        parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many tenants at once (2)")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *_: Any, tenant: str | None, resume: bool, jobs: int, **options: Any) -> None:
        if jobs < 1:
            raise CommandError("--jobs must be at least 1.")
        try:
            plan = campaign(slug=tenant, resume=resume)
        except Tenant.DoesNotExist:
            raise CommandError(f"There is no tenant {tenant}.") from None
        outcomes = _run(plan, jobs)
        result = _result(plan, outcomes)
        self.stdout.write(json.dumps(result) if options["json"] else _told(result))
        if result["failed"] or result["left"]:
            raise CommandError(f"{len(result['failed'])} failed, {result['left']} left: run it again with --resume.")


class _Shared:
    """An iterator that several threads take from, until it is stopped."""

    def __init__(self, tenants: tuple[UUID, ...]) -> None:
        self._tenants, self._lock, self.stopped = iter(tenants), Lock(), Event()

    def __iter__(self) -> Iterator[UUID]:
        return self

    def __next__(self) -> UUID:
        with self._lock:
            if self.stopped.is_set():
                raise StopIteration
            return next(self._tenants)


def _run(plan: Campaign, jobs: int) -> list[Outcome]:
    """Return what was done; after Ctrl-C, that is what was begun by then."""
    shared, outcomes = _Shared(plan.tenants), list[Outcome]()
    with _progress(len(plan.tenants)) as advance, ThreadPoolExecutor(jobs) as threads:

        def work() -> None:
            for outcome in rotate(shared, plan.version, ACTOR):
                outcomes.append(outcome)
                advance()

        running = [threads.submit(work) for _ in range(jobs)]
        try:
            for each in running:
                each.result()
        except KeyboardInterrupt:
            shared.stopped.set()
    return outcomes


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    columns = (BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


def _result(plan: Campaign, outcomes: list[Outcome]) -> dict[str, Any]:
    return {
        "version": plan.version,
        "rotated": sum(outcome.rotated for outcome in outcomes),
        "done_before": sum(not outcome.rotated and not outcome.failure for outcome in outcomes),
        "failed": {str(outcome.tenant): outcome.failure for outcome in outcomes if outcome.failure},
        "left": len(plan.tenants) - len(outcomes),
    }


def _told(result: dict[str, Any]) -> str:
    lines = [f"{tenant}: {failure}" for tenant, failure in result["failed"].items()]
    before = f", {result['done_before']} by another run" if result["done_before"] else ""
    return "\n".join([*lines, f"{result['rotated']} rotated to version {result['version']}{before}"])
