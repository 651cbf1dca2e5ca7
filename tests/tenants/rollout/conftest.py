"""Fleets of tenants, brought to migrations that are not written yet, and taken away again.

All tests share one database: each run here is held to its own fleet, and no tenant stays behind at a version that the
code does not have.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

import psycopg
import pytest
from django.conf import settings
from django.test import override_settings
from psycopg import sql

from portal.demo.children import ROOT
from portal.demo.embedded import Stack
from tenants.provisioning.line import Line
from tenants.registry.models import Tenant
from tenants.rollout.behind import standing
from tenants.rollout.crew import Crew
from tenants.rollout.outcome import Outcome, Report
from tenants.rollout.run import Rollout
from tenants.rollout.statements import Limits
from tests.conftest import Household, NewTenant

PACKAGES = "tests.tenants.rollout.next"
QUICK = Limits(lock=50, statement=5_000)


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.waves: list[tuple[str, int]] = []
        self.outcomes: list[Outcome] = []
        self.on_wave: Callable[[], object] = list

    def wave(self, name: str, size: int) -> None:
        self.waves.append((name, size))
        self.on_wave()

    def outcome(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


Fleet = Callable[[int], list[Household]]
Roll = Callable[..., Report]
Manage = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def fleet(new_tenant: NewTenant, administrator: psycopg.Connection) -> Iterator[Fleet]:
    """Make tenants that are gone after the test, in the order of their slugs."""
    made: list[Household] = []

    def make(number: int) -> list[Household]:
        made.extend(new_tenant() for _ in range(number))
        return sorted(made[-number:], key=lambda each: each.slug)

    yield make
    for household in made:
        remove(household.tenant, administrator)


def remove(tenant: Tenant, administrator: psycopg.Connection) -> None:
    name = sql.Identifier(tenant.schema)
    administrator.execute(sql.SQL("DROP SCHEMA {} CASCADE; DROP ROLE {}").format(name, name))
    owned = administrator.execute(
        "SELECT conrelid::regclass::text, attname FROM pg_constraint c "
        "JOIN pg_attribute a ON attrelid = conrelid AND attnum = conkey[1] "
        "WHERE confrelid = 'registry.tenants'::regclass"
    )
    for table, column in [*owned.fetchall(), ("registry.tenants", "id")]:
        statement = sql.SQL("DELETE FROM {} WHERE {} = %s").format(sql.SQL(table), sql.Identifier(column))
        administrator.execute(statement, [tenant.id])


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def roll(notes: Notes) -> Roll:
    """Run a rollout of a package of `next` over these tenants, in this process, with the owner's rights."""

    def run(package: str, chosen: Sequence[str], *, jobs: int = 2, limits: Limits = QUICK) -> Report:
        line = line_of(package)
        crew = Crew(jobs, limits, "migrate_tenants test", using="owner")
        return Rollout(line, crew, 1, notes, chosen).run(standing(line, chosen))

    return run


def modules_of(package: str) -> dict[str, str | None]:
    return {**settings.MIGRATION_MODULES, "records": f"{PACKAGES}.{package}"}


def line_of(package: str) -> Line:
    with override_settings(MIGRATION_MODULES=modules_of(package)):
        return Line()


def slugs(households: Sequence[Household]) -> list[str]:
    return [each.slug for each in households]


def versions(households: Sequence[Household]) -> list[str]:
    return [Tenant.objects.get(id=each.tenant.id).schema_version for each in households]


@pytest.fixture
def manage(stack: Stack) -> Iterator[Manage]:
    """Start `manage.py migrate_tenants` with a package of `next`, as the owner."""
    started: list[subprocess.Popen[str]] = []

    def start(package: str, households: Sequence[Household], *arguments: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            **stack.environment("owner"),
            "DJANGO_SETTINGS_MODULE": "tests.tenants.rollout.settings",
            "TEST_NEXT_MIGRATIONS": f"{PACKAGES}.{package}",
        }
        chosen = [f"--tenant={slug}" for slug in slugs(households)]
        process = subprocess.Popen(
            [sys.executable, "manage.py", "migrate_tenants", *chosen, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
