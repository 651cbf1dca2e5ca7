"""`manage.py import_tenant FILE --key private --digest D`: make the tenant that an archive holds."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.management.progress import bytes_moved
from secrets_vault import VaultError
from tenants.transfer import Arrival, TransferError, Wishes, import_tenant, parse_owner, read_private

SHOWN: Final = 20  # owners


class Command(BaseCommand):
    help = (
        "Make the tenant that an archive of export_tenant holds: verified first, then all of it or nothing. "
        "Run as the owner's database role."
    )
    requires_system_checks = []  # noqa: RUF012 - the shape that Django gives it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the archive")
        parser.add_argument("--key", type=Path, required=True, help="the private half of the transfer key")
        made_by = parser.add_mutually_exclusive_group(required=True)
        made_by.add_argument(
            "--digest", help="what the source's operator read out: the SHA-256 of the manifest, and no other is taken"
        )
        made_by.add_argument(
            "--without-digest",
            action="store_true",
            help="take an archive that anybody may have made who has the public half of the key",
        )
        parser.add_argument("--slug", help="the tenant's address here, if its own is taken")
        parser.add_argument("--owner", help="an owner besides the members: provider:id, like github:1001")
        parser.add_argument("--yes", action="store_true", help="ask nothing at a terminal")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_: Any, file: Path, key: Path, **options: Any) -> None:
        owner = options["owner"]
        try:
            wishes = Wishes(options["slug"], parse_owner(owner) if owner else None, options["digest"])
            result = import_tenant(
                file,
                read_private(key),
                wishes,
                confirm=partial(self._confirm, asking=sys.stdin.isatty() and not options["yes"]),
                progress=partial(bytes_moved, f"Importing {file.name}"),
            )
        except (TransferError, VaultError, OSError) as error:
            raise CommandError(f"{error} Nothing was changed.") from None
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
            return
        self.stdout.write(
            f"{result.slug} is here: {result.rows:,} rows, {result.members} members, from {result.source}"
        )
        self.stdout.write(f"Messages whose content came along: {result.waiting}")
        self.stdout.write("Connections to other tenants did not: both sides agree anew. Delete the private key now.")

    def _confirm(self, arrival: Arrival, *, asking: bool) -> None:
        """Say whom the archive lets in before it does: a forged one has its maker among them."""
        more = f", and {len(arrival.owners) - SHOWN} more" if len(arrival.owners) > SHOWN else ""
        counts = ", ".join(f"{count} {role}" for role, count in sorted(arrival.members.items()))
        for line in (
            f"{arrival.name!a} ({arrival.tenant}) at {arrival.slug}, by its own account from {arrival.source}",
            f"Digest: {arrival.digest}",
            f"Owners: {', '.join(arrival.owners[:SHOWN])}{more}",
            f"Members: {counts}",
        ):
            self.stderr.write(line, style_func=str)
        if not asking:
            return
        self.stderr.write("Let them in? [y/N] ", style_func=str, ending="")
        if input().strip().lower() not in {"y", "yes"}:
            raise TransferError("It was not confirmed.")
