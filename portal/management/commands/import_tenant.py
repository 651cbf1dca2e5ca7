"""`manage.py import_tenant FILE --key private`: make the tenant that an archive holds."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.management.progress import bytes_moved
from secrets_vault import VaultError
from tenants.transfer import TransferError, Wishes, import_tenant, parse_owner, read_private


class Command(BaseCommand):
    help = (
        "Make the tenant that an archive of export_tenant holds: verified first, then all of it or nothing. "
        "Run as the owner's database role."
    )
    requires_system_checks = []  # noqa: RUF012 - the shape that Django gives it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the archive")
        parser.add_argument("--key", type=Path, required=True, help="the private half of the transfer key")
        parser.add_argument("--digest", help="refuse any archive but the one whose manifest has this SHA-256")
        parser.add_argument("--slug", help="the tenant's address here, if its own is taken")
        parser.add_argument("--owner", help="an owner besides the members: provider:id, like github:1001")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_: Any, file: Path, key: Path, **options: Any) -> None:
        owner = options["owner"]
        try:
            wishes = Wishes(options["slug"], parse_owner(owner) if owner else None, options["digest"])
            with bytes_moved(f"Importing {file.name}") as report:
                result = import_tenant(file, read_private(key), wishes, report=report)
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
