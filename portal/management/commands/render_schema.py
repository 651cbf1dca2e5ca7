"""`manage.py render_schema`: render the records' migrations into tenants/provisioning/schema.sql."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.provisioning.render import SCRIPT, rendered


class Command(BaseCommand):
    help = "Render the records' migrations into the script that makes a tenant's schema."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail when the script is stale")

    def handle(self, *_: Any, check: bool, **__: Any) -> None:
        script = rendered()
        fresh = SCRIPT.exists() and SCRIPT.read_text(encoding="utf-8") == script
        if check and not fresh:
            raise CommandError("tenants/provisioning/schema.sql is stale: run `manage.py render_schema`.")
        if not check:
            SCRIPT.write_text(script, encoding="utf-8")
        self.stdout.write("schema.sql is up to date")
