"""A tenant's own role stops no rollout, and does not pass for migrated."""

from __future__ import annotations

import psycopg
import pytest

from tenants.records.audit import append, entry
from tenants.rollout import run
from tenants.rollout.statements import ACTOR
from tests.tenants.rollout.conftest import Fleet, Roll, slugs, versions
from tests.tenants.rollout.test_run import add_repository, inside_sql


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PAUSES", (0.01,))


def test_a_role_that_cannot_log_in_delays_itself_alone(
    fleet: Fleet, roll: Roll, administrator: psycopg.Connection
) -> None:
    households = fleet(2)
    roll("additive", slugs(households))
    administrator.execute(f"ALTER ROLE {households[0].tenant.schema} PASSWORD 'mine'".encode())
    report = roll("code", slugs(households))
    assert not report.failed
    assert [outcome.target.slug for outcome in report.busy] == [households[0].slug]
    assert versions(households) == ["9001_additive", "9002_code"]


def test_what_a_role_set_for_itself_does_not_count(fleet: Fleet, roll: Roll, administrator: psycopg.Connection) -> None:
    (household,) = fleet(1)
    for setting in ("search_path = pg_catalog", "default_transaction_read_only = on", "lock_timeout = 0"):
        administrator.execute(f"ALTER ROLE {household.tenant.schema} SET {setting}".encode())
    assert roll("code", slugs([household])).is_complete


def test_an_entry_of_the_tenants_own_is_no_evidence(fleet: Fleet, roll: Roll) -> None:
    (household,) = fleet(1)
    roll("additive", slugs([household]))
    add_repository(household, "api")
    with household.enter() as inside:
        append(inside.alias, entry(ACTOR, "schema.migrated", "9002_code", {}))
        append(inside.alias, entry(ACTOR, "schema.migrated", "9002_code", {"mark": "0" * 32}))
    assert roll("code", slugs([household])).is_complete
    assert inside_sql(household, "SELECT note FROM repositories") == [(f"+{household.tenant.schema}",)]
