"""Judges the migrations (part of `make check`): none may break the release before it, which serves on meanwhile.

Dropping or renaming a column or table, a NOT NULL column without a default in the database, a changed type, a new
unique constraint: each is an error (django-migration-linter). The SQL is the one that tenants get, rehearsed in a
database of its own.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django_migration_linter import MigrationLinter
from django_migration_linter.sql_analyser.base import Check, CheckMode, CheckType
from django_migration_linter.sql_analyser.postgresql import PostgresqlAnalyser

APPS = ["registry", "records"]
RECORDS = "records"
# Unique constraints that the release before keeps to anyway: each replaces a stricter one, or is of a new table.
WEAKER = {
    "0003_the_vault": ("parameters_name_live", "parameter_sets_name_live", "ssh_keys_generation", "usage_once"),
    "0009_hints_for_each_day": ("due_once",),
}


class Analyser(PostgresqlAnalyser):
    """Knows, besides, that a default of Django's alone is none for whoever doesn't run this release's Django."""

    migration_checks = [  # noqa: RUF012 - the shape that the library gives it
        *PostgresqlAnalyser.migration_checks,
        Check(
            code="DROP_DEFAULT",
            fn=lambda sql, **_: re.search("ALTER COLUMN .* DROP DEFAULT", sql),
            message="NOT NULL column whose default is Django's alone: give it a db_default",
            mode=CheckMode.ONE_LINER,
            type=CheckType.ERROR,
        ),
    ]


class Linter(MigrationLinter):
    """`sqlmigrate` can't render the records: they are in no database that it could ask."""

    def __init__(self) -> None:
        super().__init__(include_apps=APPS, no_cache=True, quiet=["ok", "warning"])
        self.sql_analyser_class = Analyser
        self._records: dict[str, list[str]] = {}

    def get_sql(self, app_label: str, migration_name: str) -> list[str]:
        weaker = WEAKER.get(migration_name, ())
        statements = self._get_sql(app_label, migration_name)
        return [sql for sql in statements if not any(f'"{name}"' in sql for name in weaker)]

    def _get_sql(self, app_label: str, migration_name: str) -> list[str]:
        if app_label != RECORDS:
            return super().get_sql(app_label, migration_name)
        if not self._records:
            from tenants.provisioning.line import Line  # noqa: PLC0415 - settings come with the stack
            from tenants.provisioning.render import rehearse  # noqa: PLC0415

            self._records = {step.name: ["BEGIN;", *step.statements] for step in rehearse(Line())}
        return self._records[migration_name]


def lint() -> int:
    """Print what is unsafe and return how many migrations are. Needs Django set up, as the registry's owner."""
    linter = Linter()
    linter.lint_all_migrations()
    return int(linter.nb_erroneous)


@contextmanager
def _database() -> Iterator[None]:
    from portal.demo.embedded import Stack  # noqa: PLC0415 - needs no settings, but servers

    with (
        tempfile.TemporaryDirectory(prefix="bulkhead-lint-", ignore_cleanup_errors=True) as directory,
        Stack(Path(directory), durable=False, settings={"BULKHEAD_LOG_LEVEL": "WARNING"}) as stack,
    ):
        os.environ.update(stack.environment("owner"))
        django.setup()
        yield


def main() -> int:
    with _database():
        unsafe = lint()
    sys.stdout.write(f"{unsafe} unsafe migrations\n" if unsafe else "All migrations are safe\n")
    return 1 if unsafe else 0


if __name__ == "__main__":
    sys.exit(main())
