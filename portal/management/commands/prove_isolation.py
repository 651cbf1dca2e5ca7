"""`manage.py prove_isolation`: try to leave every compartment with the tenant's own database role."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from rich.console import Console
from rich.progress import track

from tenants.isolation.areas import AREAS, by_key
from tenants.isolation.attempt import Outcome
from tenants.isolation.campaign import prove_each, standing
from tenants.isolation.prove import Proof
from tenants.registry.models import Tenant


class Command(BaseCommand):
    help = (
        "Connect as each tenant's database role and try to get out. Prints what held, by area; exits with 1 when an "
        "attempt succeeded or proved nothing. Runs as the worker or the owner, and stores each tenant's last proof."
    )
    requires_system_checks = []  # noqa: RUF012 - the shape that Django gives it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", action="append", metavar="SLUG", help="only this one; may be repeated")
        parser.add_argument("--jobs", type=int, default=2, choices=range(1, 33), metavar="N", help="at once; 2 without")
        parser.add_argument("--json", action="store_true", help="every attempt: one JSON line a tenant, a summary last")

    def handle(self, *_: Any, tenant: list[str] | None, jobs: int, json: bool, **__: Any) -> None:
        chosen = self._chosen(tenant)
        counted: Counter[tuple[str, str]] = Counter()
        broken = proven = 0
        try:
            for proof in self._watched(prove_each(chosen, jobs=jobs), len(chosen)):
                proven += 1
                broken += not proof.holds
                counted.update((_area(result.key), result.outcome) for result in proof.results)
                self._tell(proof, as_json=json)
        except (DatabaseError, psycopg.Error) as error:
            raise CommandError(f"The proof could not go on: {error}") from None
        self._sum_up(counted, proven, broken, as_json=json)
        if broken:
            raise CommandError(f"{broken} of {proven} compartments were not proven closed.")

    def _chosen(self, slugs: list[str] | None) -> list[Tenant]:
        tenants = list(standing() if slugs is None else standing().filter(slug__in=slugs))
        if missing := set(slugs or ()) - {tenant.slug for tenant in tenants}:
            raise CommandError(f"There is no tenant {', '.join(sorted(missing))}.")
        return tenants

    def _watched(self, proofs: Iterable[Proof], total: int) -> Iterator[Proof]:
        console = Console(stderr=True)
        yield from track(proofs, "Trying", total, console=console, disable=not sys.stderr.isatty(), transient=True)

    def _tell(self, proof: Proof, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(_line(proof)))
            return
        for result in (*proof.escapes, *proof.unclear):
            tried = by_key()[result.key].words if result.key in by_key() else "Connect as the tenant's role"
            self.stdout.write(f"{proof.tenant.slug}: {result.outcome}: {tried} ({result.state}: {result.said})")

    def _sum_up(self, counted: Counter[tuple[str, str]], proven: int, broken: int, *, as_json: bool) -> None:
        if as_json:
            totals = {
                outcome.value: sum(n for (_, each), n in counted.items() if each == outcome) for outcome in Outcome
            }
            self.stdout.write(json.dumps({"tenants": proven, "not_closed": broken, **totals}))
            return
        head = ("Area", "Attempts", "Held", "Escaped", "Unclear", "Known")
        self.stdout.write("{:<32}{:>10}{:>10}{:>10}{:>10}{:>10}".format(*head))
        for key, name in [*((area.key, area.name) for area in AREAS), ("connection", "Connecting")]:
            numbers = [counted[key, outcome] for outcome in Outcome]
            if sum(numbers):
                self.stdout.write("{:<32}{:>10}{:>10}{:>10}{:>10}{:>10}".format(name, sum(numbers), *numbers))
        self.stdout.write(f"{proven - broken} of {proven} compartments are closed.")


def _area(key: str) -> str:
    return by_key()[key].area if key in by_key() else "connection"


def _line(proof: Proof) -> dict[str, Any]:
    return {
        "tenant": proof.tenant.slug,
        "schema": proof.tenant.schema,
        "closed": proof.holds,
        "attempts": [
            {**result.as_row(), "area": _area(result.key), "tried": by_key()[result.key].words}
            if result.key in by_key()
            else result.as_row()
            for result in proof.results
        ],
    }
