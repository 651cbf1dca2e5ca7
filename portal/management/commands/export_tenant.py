"""`manage.py export_tenant SLUG --to recipient.pub --output FILE`: a tenant as one file, sealed to its recipient."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.management.progress import bytes_moved
from secrets_vault import VaultError
from tenants.transfer import TransferError, export_tenant, read_public


class Command(BaseCommand):
    help = (
        "Write a tenant into one file that the holder of a transfer key alone can open. Nothing is decrypted and "
        "nothing removed; suspend the tenant first if it is to change no more. Run as the owner's database role."
    )
    requires_system_checks = []  # noqa: RUF012 - the shape that Django gives it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the tenant's address")
        parser.add_argument("--to", type=Path, required=True, help="the recipient's public key (new_transfer_key)")
        parser.add_argument("--output", type=Path, required=True, help="the file to write; it must not exist")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_: Any, slug: str, to: Path, output: Path, **options: Any) -> None:
        try:
            with bytes_moved(f"Exporting {slug}") as report:
                result = export_tenant(slug, to=read_public(to), output=output, report=report)
        except (TransferError, VaultError, OSError) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(result), "file": str(output)}))
            return
        self.stdout.write(f"{output}: {result.slug}, {result.rows:,} rows, {result.bytes:,} bytes")
        self.stdout.write(f"For:    {result.recipient}")
        self.stdout.write(f"Digest: {result.digest}  (read it out to the recipient, who gives it as --digest)")
