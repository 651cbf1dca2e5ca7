"""A run: every tenant wholly at one version, whatever happens; trouble named, and spared to others."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from django.db import ProgrammingError, connections
from django.test import override_settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from portal.demo.embedded import Stack
from secrets_vault import hashchain
from tenants.actions import audit, repositories
from tenants.actor import Actor
from tenants.pagination import PageRequest
from tenants.provisioning import provision
from tenants.provisioning.provision import create_tenant
from tenants.provisioning.render import rehearse, rendered
from tenants.provisioning.shape import difference, shapes
from tenants.registry.models import Tenant
from tenants.rollout import run
from tenants.rollout.behind import Target
from tenants.rollout.outcome import MovedError
from tenants.rollout.statements import Limits, apply_statements, driver_connection
from tests.conftest import Household, acting_as
from tests.tenants.rollout.conftest import Fleet, Notes, Roll, line_of, modules_of, remove, slugs, versions
from tests.tenants.rollout.next import LAST
from tests.tenants.test_audit import chain


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PAUSES", (0.01,))


@contextmanager
def busy(household: Household, administrator: psycopg.Connection) -> Iterator[None]:
    """Hold what a migration of repositories needs, as a long query of the tenant's own does."""
    table = sql.Identifier(household.tenant.schema, "repositories")
    with administrator.transaction():
        administrator.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        administrator.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(table))
        yield


def add_repository(household: Household, name: str) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name=name, url="", labels=[])


def acts(household: Household) -> list[tuple[str, str]]:
    with household.enter() as inside:
        rows = audit.list_audit(inside, PageRequest()).items
    return [(act["action"], act["subject"]) for act in (json.loads(row.entry) for row in rows)]


def inside_sql(household: Household, statement: str) -> list[tuple[object, ...]]:
    with household.enter() as inside, connections[inside.alias].cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def test_everybody_takes_the_migration_and_can_use_it(fleet: Fleet, roll: Roll, notes: Notes) -> None:
    households = fleet(4)
    report = roll("additive", slugs(households))
    assert (report.migrated, report.is_complete) == (4, True)
    assert versions(households) == ["9001_additive"] * 4
    assert notes.waves == [("canaries", 1), ("a tenth", 1), ("the rest", 2)]
    for household in households:
        add_repository(household, "api")
        inside_sql(household, "INSERT INTO bookmarks (id, name, repository_id) SELECT 1, 'x', id FROM repositories")
        assert inside_sql(household, "SELECT note FROM repositories") == [("",)]
        assert ("schema.migrated", "9001_additive") in acts(household)


def test_the_log_stays_the_tenants_to_add_to_alone(fleet: Fleet, roll: Roll) -> None:
    (household,) = fleet(1)
    roll("additive", slugs([household]))
    for statement in ("UPDATE audit SET entry = '{}'", "DELETE FROM audit", "SELECT * FROM audit_head"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            inside_sql(household, statement)
    with household.enter():
        rows = chain()
    assert hashchain.verify(rows) == rows[1][4]


def test_migrations_that_build_on_each_other(fleet: Fleet, roll: Roll) -> None:
    (household,) = fleet(1)
    steps = rehearse(line_of("building"), after=LAST, using="owner")
    assert [step.name for step in steps] == ["9001_additive", "9002_building"]
    dropped = [each for each in steps[1].statements if "DROP CONSTRAINT" in each]
    assert len(dropped) == 2, "names that only the database knows were not found"
    assert roll("building", slugs([household])).is_complete
    inside_sql(household, "INSERT INTO repositories (id, name, url, labels) VALUES (gen_random_uuid(), 'a', '', '[]')")
    twice = "SELECT n, 'x', id FROM repositories, generate_series(1, 2) n"  # the name is no longer unique
    inside_sql(household, f"INSERT INTO bookmarks (id, name, repository_id) {twice}")


def test_the_first_failure_halts_and_names_all(fleet: Fleet, roll: Roll) -> None:
    households = fleet(12)
    add_repository(households[1], "bad")  # not the canary: the one of the second wave that comes first
    report = roll("failing", slugs(households), jobs=1)
    (failed,) = report.failed
    assert (failed.target.slug, failed.target.schema) == (households[1].slug, households[1].tenant.schema)
    assert failed.migration == "9001_failing"
    assert 'ADD CONSTRAINT "repositories_not_bad"' in failed.statement
    assert "is violated by some row" in failed.reason
    assert all(part in failed.sentence() for part in (households[1].slug, failed.statement, failed.migration))
    assert versions(households) == ["9001_failing", *[LAST] * 11]
    assert failed.reason in Tenant.objects.get(slug=households[1].slug).schema_failure
    assert (
        inside_sql(households[1], "SELECT column_name FROM information_schema.columns WHERE column_name = 'note'") == []
    )
    inside_sql(households[1], "UPDATE repositories SET name = 'good'")
    again = roll("failing", slugs(households))
    assert (again.migrated, again.is_complete) == (11, True)
    assert Tenant.objects.get(slug=households[1].slug).schema_failure == ""


def test_a_busy_tenant_delays_itself_alone(fleet: Fleet, roll: Roll, administrator: psycopg.Connection) -> None:
    households = fleet(5)
    with busy(households[2], administrator):
        report = roll("additive", slugs(households))
    assert (report.migrated, report.failed, report.is_complete) == (4, [], False)
    (put_aside,) = report.busy
    assert put_aside.target.slug == households[2].slug
    assert "lock timeout" in put_aside.reason
    assert "repositories" in put_aside.statement
    assert versions(households).count("9001_additive") == 4
    assert roll("additive", slugs(households)).migrated == 1


def test_busy_canaries_are_no_evidence(
    fleet: Fleet, roll: Roll, notes: Notes, administrator: psycopg.Connection
) -> None:
    households = fleet(3)
    with busy(households[0], administrator):
        report = roll("additive", slugs(households))
    assert notes.waves[:2] == [("canaries", 1), ("canaries", 1)]
    assert [outcome.target.slug for outcome in report.busy] == [households[0].slug]
    assert versions(households) == [LAST, "9001_additive", "9001_additive"]


def test_who_is_spared_stays(fleet: Fleet, roll: Roll) -> None:
    households = fleet(2)
    assert roll("additive", slugs(households), spared=slugs(households[:1])).is_complete
    assert versions(households) == [LAST, "9001_additive"]


def test_what_takes_too_long_is_named_and_halts_when_it_is_no_exception(fleet: Fleet, roll: Roll) -> None:
    households = fleet(4)
    report = roll("slow", slugs(households), jobs=1, limits=Limits(lock=50, statement=500))
    assert "--statement-timeout" in report.halted
    assert len(report.busy) == run.TOO_MANY_SLOW
    assert {outcome.statement for outcome in report.busy} == {"SELECT pg_sleep(0.6);"}
    assert versions(households) == [LAST] * 4


def test_marked_canaries_go_first(fleet: Fleet, roll: Roll, notes: Notes) -> None:
    households = fleet(4)
    Tenant.objects.using("owner").filter(slug=households[3].slug).update(canary=True)
    roll("additive", slugs(households))
    assert notes.outcomes[0].target.slug == households[3].slug


def test_python_runs_inside_each_compartment_exactly_once(fleet: Fleet, roll: Roll) -> None:
    households = fleet(2)
    for household in households:
        add_repository(household, "api")
    Tenant.objects.using("owner").filter(slug=households[1].slug).update(state="suspended")
    assert roll("code", slugs(households)).is_complete
    # As if the process had died between the compartment's commit and the registry's.
    Tenant.objects.using("owner").filter(slug=households[0].slug).update(schema_version="9001_additive")
    assert roll("code", slugs(households)).is_complete
    Tenant.objects.using("owner").filter(slug=households[1].slug).update(state="active")
    assert versions(households) == ["9002_code"] * 2
    for household in households:
        assert inside_sql(household, "SELECT note FROM repositories") == [(f"+{household.tenant.schema}",)]
        assert acts(household).count(("schema.migrated", "9002_code")) == 1


def test_python_that_fails_leaves_nothing_of_itself(fleet: Fleet, roll: Roll) -> None:
    (household,) = fleet(1)
    add_repository(household, "api")
    add_repository(household, "stumble")
    report = roll("code", slugs([household]))
    (failed,) = report.failed
    assert (failed.migration, failed.reason) == ("9002_code", "ValueError: stumbled")
    assert failed.statement.startswith('UPDATE "repositories"')
    assert versions([household]) == ["9001_additive"]
    assert inside_sql(household, "SELECT DISTINCT note FROM repositories") == [("",)]


def test_a_tenant_ahead_is_reported_and_left_alone(fleet: Fleet, roll: Roll) -> None:
    households = fleet(2)
    Tenant.objects.using("owner").filter(slug=households[0].slug).update(schema_version="9999_later")
    report = roll("additive", slugs(households))
    assert ([each.slug for each in report.ahead], report.migrated) == ([households[0].slug], 1)
    assert versions(households) == ["9999_later", "9001_additive"]


def test_a_tenant_made_meanwhile_is_caught(
    fleet: Fleet, roll: Roll, notes: Notes, administrator: psycopg.Connection
) -> None:
    households = fleet(1)
    slug, made = f"t{uuid.uuid4().hex[:16]}", list[Tenant]()

    def make() -> None:
        if not made:  # the provisioner, with the older code's script
            actor = Actor.system("provisioning")
            made.append(
                create_tenant(
                    tenant_id=uuid.uuid4(), slug=slug, name="x", owner_id=None, actor=actor, using="provisioner"
                )
            )

    notes.on_wave = make
    try:
        assert roll("additive", [*slugs(households), slug]).migrated == 2
    finally:
        remove(made[0], administrator)


def test_a_tenant_that_moved_is_not_moved_again(fleet: Fleet, roll: Roll) -> None:
    (household,) = fleet(1)
    (step,) = rehearse(line_of("additive"), after=LAST, using="owner")
    target = Target(household.tenant.id, household.slug, household.tenant.schema, "0000_other", False, "")
    with pytest.raises(MovedError):
        apply_statements(step, target, "0000_other", Limits(), driver_connection(connections["owner"]))
    assert inside_sql(household, "SELECT to_regclass('bookmarks')") == [(None,)]


def test_a_migrated_tenant_is_as_one_made_anew(fleet: Fleet, roll: Roll, monkeypatch: pytest.MonkeyPatch) -> None:
    (migrated,) = fleet(1)
    assert roll("building", slugs([migrated])).is_complete
    with acting_as("provisioner"), override_settings(MIGRATION_MODULES=modules_of("building")):
        script = rendered()
    monkeypatch.setattr(provision, "schema_script", lambda: (script, "9002_building"))
    (made,) = fleet(1)
    names = [migrated.tenant.schema, made.tenant.schema]
    both = shapes(names, using="owner")
    assert difference(both[names[0]], both[names[1]]) == []
    assert any("bookmarks" in of for of, _ in both[names[0]])


def test_a_lost_connection_halts_and_the_next_run_goes_on(
    fleet: Fleet, roll: Roll, notes: Notes, administrator: psycopg.Connection, stack: Stack
) -> None:
    households = fleet(2)
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'migrate_tenants test'"

    def end() -> None:
        with psycopg.connect(
            make_conninfo(**{**stack.administrator(), "dbname": "bulkhead"}), autocommit=True
        ) as other:
            while not other.execute(f"{ends} AND wait_event_type = 'Lock'").fetchall():
                time.sleep(0.01)

    with busy(households[0], administrator), ThreadPoolExecutor(1) as executor:
        ending = executor.submit(end)
        report = roll("additive", slugs(households), limits=Limits(lock=30_000))
        ending.result(30)
    (failed,) = report.failed
    assert (failed.target.slug, failed.migration) == (households[0].slug, "9001_additive")
    assert "connection was lost" in failed.reason
    assert "connection was lost" in Tenant.objects.get(slug=households[0].slug).schema_failure
    assert versions(households) == [LAST] * 2
    assert roll("additive", slugs(households)).migrated == 2
