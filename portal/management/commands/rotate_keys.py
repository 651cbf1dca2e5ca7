"""`manage.py rotate_keys`: new tenant keys, and everything rewrapped, while the portal serves."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TimeRemainingColumn

from secrets_vault import KeyServiceUnavailable
from tenants.actor import Actor
from tenants.registry.models import Tenant
from tenants.rotation import campaign
from tenants.rotation.campaign import Work
from tenants.rotation.rotate import Outcome

ACTOR: Final = Actor.operator("rotate_keys")


class Command(BaseCommand):
    help = (
        "Give all tenants, or one, a new key now, and wrap everything anew under it, while the portal serves. Runs as "
        "the provisioner or the owner. An old version is retired later, by the worker or by --due, once every process "
        "has heard of the new one. A run that was cut off is finished by --due; two at once do no harm."
    )
    requires_system_checks = []  # noqa: RUF012 - the shape that Django gives it

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--tenant", metavar="SLUG", help="only this tenant")
        which.add_argument("--due", action="store_true", help="only what the worker would do now")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *_: Any, tenant: str | None, due: bool, **options: Any) -> None:
        planned = list(campaign.work()) if due else _all(tenant)
        outcomes: list[Outcome] = []
        began, stopped = time.monotonic(), ""
        try:
            for outcome in _shown(planned):
                outcomes.append(outcome)  # noqa: PERF402 - what came before a failure is told
        except KeyServiceUnavailable as error:
            stopped = f"The key service can't be reached: {error}."
        except KeyboardInterrupt:
            stopped = "Interrupted."
        result = _result(outcomes, len(planned) - len(outcomes), time.monotonic() - began)
        self.stdout.write(json.dumps(result) if options["json"] else _told(result))
        if stopped or result["failed"]:
            raise CommandError(f"{stopped or 'Not all could be rotated.'} {result['left']} tenants left.")


def _all(slug: str | None) -> list[Work]:
    tenants = Tenant.objects.order_by("schema").values_list("id", flat=True)
    if slug is not None:
        tenants = tenants.filter(slug=slug)
        if not tenants:
            raise CommandError(f"There is no tenant {slug}.")
    return [(tenant, "operator") for tenant in tenants]


def _shown(planned: list[Work]) -> Iterator[Outcome]:
    columns = (BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=len(planned))
        for outcome in campaign.rotate_each(iter(planned), ACTOR):
            bar.advance(task)
            yield outcome


def _result(outcomes: list[Outcome], left: int, seconds: float) -> dict[str, Any]:
    return {
        "rotated": sum(outcome.added is not None for outcome in outcomes),
        "items": sum(outcome.items for outcome in outcomes),
        "retired": sum(len(outcome.retired) for outcome in outcomes),
        "waiting": sum(outcome.waiting for outcome in outcomes),
        "failed": {str(outcome.tenant): outcome.failure for outcome in outcomes if outcome.failure},
        "left": left,
        "seconds": round(seconds, 3),
    }


def _told(result: dict[str, Any]) -> str:
    lines = [f"{tenant}: {failure}" for tenant, failure in result["failed"].items()]
    return "\n".join(
        [
            *lines,
            f"{result['rotated']} tenants have a new key, {result['items']} items are wrapped under it.",
            f"{result['retired']} old versions retired; {result['waiting']} tenants keep theirs for now.",
        ]
    )
