"""`manage.py new_transfer_key PATH`: the key pair that a tenant is exported to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.transfer import TransferError, make_pair


class Command(BaseCommand):
    help = "Make a key pair to receive tenants with. The private half stays here; hand the public half to the source."
    requires_system_checks = []  # noqa: RUF012 - the shape that Django gives it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="where the private half goes (mode 0600); the public one: PATH.pub")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_: Any, path: Path, **options: Any) -> None:
        try:
            public, fingerprint = make_pair(path)
        except (TransferError, OSError) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps({"private": str(path), "public": str(public), "fingerprint": fingerprint}))
            return
        self.stdout.write(f"Private half: {path}  (keep it here; delete it after the import)")
        self.stdout.write(f"Public half:  {public}  (hand it to the source)")
        self.stdout.write(f"Fingerprint:  {fingerprint}  (read it out over another way)")
