"""`manage.py change_key_service`: every tenant's key under the key service in force, while the portal serves."""

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
from tenants.keyrings import key_service
from tenants.rotation import key_services
from tenants.rotation.key_services import Outcome

ACTOR: Final = Actor.operator("change_key_service")
SHOWN: Final = 20  # failures that are named
DONE: Final = (
    "No key is wrapped by another key service: BULKHEAD_KEY_SERVICE_OTHERS may be emptied. Keep the former key for as "
    "long as there are dumps of tenants' keys from before."
)


class Command(BaseCommand):
    help = (
        "Wrap every tenant's key by BULKHEAD_KEY_SERVICE that another key service wraps, which BULKHEAD_KEY_SERVICE_"
        "OTHERS has to name, and check that it unwraps there before the row changes. The portal serves meanwhile. Runs "
        "as the provisioner or the owner. Run it again after it was cut off: it goes on. deploy/KEY_SERVICES.md has "
        "the whole way from one key service to another."
    )
    requires_system_checks = []  # noqa: RUF012 - the shape that Django gives it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        outcomes: list[Outcome] = []
        began, stopped = time.monotonic(), ""
        try:
            for outcome in _shown():
                outcomes.append(outcome)  # noqa: PERF402 - what came before a failure is told
        except KeyServiceUnavailable as error:
            stopped = f"A key service can't be reached: {error}. "
        except KeyboardInterrupt:
            stopped = "Interrupted. "
        if stopped and not outcomes:
            raise CommandError(f"{stopped}Nothing was changed.")
        result = _result(outcomes, time.monotonic() - began)
        self.stdout.write(json.dumps(result) if options["json"] else _told(result))
        if stopped or result["failed"] or result["left"]:
            raise CommandError(f"{stopped}{sum(result['left'].values())} keys are left: run it again.")


def _shown() -> Iterator[Outcome]:
    columns = (BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=key_services.unfinished().count())
        for outcome in key_services.change(ACTOR):
            bar.advance(task)
            yield outcome


def _result(outcomes: list[Outcome], seconds: float) -> dict[str, Any]:
    failures = [outcome for outcome in outcomes if outcome.failure]
    return {
        "key_service": key_service().key_id,
        "moved": sum(outcome.moved for outcome in outcomes),
        "failed": len(failures),
        "failures": {f"{outcome.tenant} {outcome.version}": outcome.failure for outcome in failures[:SHOWN]},
        "left": key_services.left(),
        "seconds": round(seconds, 3),
    }


def _told(result: dict[str, Any]) -> str:
    lines = [f"{key}: {failure}" for key, failure in result["failures"].items()]
    lines += [f"{keys} keys are wrapped by {service}." for service, keys in result["left"].items()]
    if not result["left"]:
        lines.append(DONE)
    return "\n".join([f"{result['moved']} keys are now wrapped by {result['key_service']}.", *lines])
