"""`manage.py drift`: compare the live database with what code declares."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tenants.actor import Actor
from tenants.drift.comparison import Comparison, compare
from tenants.drift.findings import Finding, Hand
from tenants.registry.models import Tenant

_SHOWN: Final = 60  # characters of a value in the table
_WIDTH: Final = 200  # of the table where no terminal says


class Command(BaseCommand):
    help = (
        "Compare roles, settings, memberships, grants, schemas and versions with what code declares. Run it as "
        "bulkhead_owner or bulkhead_provisioner. Exit code 0: no drift, or all of it repaired; 1: drift is left."
    )
    requires_system_checks = []  # noqa: RUF012 - the shape that Django gives it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="put back what is safe; nothing is ever dropped")
        parser.add_argument("--tenant", metavar="SLUG", help="this tenant alone, without a report")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *_: Any, repair: bool, tenant: str | None, as_json: bool, **__: Any) -> None:
        try:
            found = compare(Actor.operator("manage.py drift"), slug=tenant, repair=repair)
        except Tenant.DoesNotExist:
            raise CommandError(f"There is no tenant {tenant}.") from None
        if as_json:
            findings = [finding.as_json() for finding in found.findings]
            self.stdout.write(json.dumps({"tenants": found.tenants, "findings": findings}, indent=2))
        else:
            self._show(found)
        if found.left:
            sys.exit(1)

    def _show(self, found: Comparison) -> None:
        if found.findings:
            console = Console(width=None if self.stdout.isatty() else _WIDTH)
            with console.capture() as table:
                console.print(_table(found.findings))
            self.stdout.write(table.get())
        for hand in Hand:
            self._advise(hand, [finding for finding in found.left if finding.hand is hand])
        repaired = len(found.findings) - len(found.left)
        said = f"{len(found.left)} differences left, {repaired} repaired" if found.findings else "no drift"
        self.stdout.write(f"{found.tenants} tenants compared: {said}")

    def _advise(self, hand: Hand, findings: list[Finding]) -> None:
        if not findings:
            return
        self.stdout.write(f"\n-- For {hand.value}:")
        for remedy in dict.fromkeys(finding.remedy for finding in findings):
            self.stdout.write(f"--   {remedy}" if hand is Hand.PERSON else f"{remedy};")


def _table(findings: list[Finding]) -> Table:
    table = Table("subject", "what", "declared", "live", "repaired")
    for each in findings:
        values = (each.subject, each.what, each.declared or "-", each.live or "-", "yes" if each.repaired else "no")
        table.add_row(*(Text(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…") for value in values))
    return table
