"""Drift of what all tenants share: base roles, the registry's grants, PUBLIC's rights, what is installed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
import pytest

from portal.celery import app
from tenants.actor import Actor
from tenants.drift import declared, privileges, roles, schemas, server
from tenants.drift.comparison import compare
from tenants.drift.findings import Finding, Hand
from tenants.drift.reading import tenants
from tenants.registry.models import DriftReport
from tenants.tasks import compare_declared
from tests.conftest import Household, acting_as

ACTOR: Final = Actor.operator("test")

# What to do as a superuser → (subject, what) that must be found.
CHANGES: Final = {
    "ALTER ROLE bulkhead_web CREATEDB": ("role bulkhead_web", "role attribute"),
    "ALTER ROLE bulkhead_owner INHERIT": ("role bulkhead_owner", "role attribute"),
    "ALTER ROLE bulkhead_web SET work_mem = '1GB'": ("role bulkhead_web", "setting work_mem"),
    "ALTER ROLE bulkhead_worker RESET search_path": ("role bulkhead_worker", "setting search_path"),
    "ALTER DATABASE bulkhead SET work_mem = '1GB'": ("database", "setting work_mem in database bulkhead"),
    "GRANT bulkhead_owner TO bulkhead_web": ("role bulkhead_owner", "membership of bulkhead_web in bulkhead_owner"),
    "GRANT pg_read_all_data TO bulkhead_web": (
        "role pg_read_all_data",
        "membership of bulkhead_web in pg_read_all_data",
    ),
    "GRANT TEMPORARY ON DATABASE bulkhead TO PUBLIC": ("database bulkhead", "granted to PUBLIC"),
    "GRANT CREATE ON DATABASE bulkhead TO bulkhead_web": ("database bulkhead", "granted to bulkhead_web"),
    "GRANT CONNECT ON DATABASE postgres TO PUBLIC": ("database postgres", "granted to PUBLIC"),
    "GRANT CREATE ON SCHEMA public TO PUBLIC": ("schema public", "granted to PUBLIC"),
    "GRANT CREATE ON SCHEMA registry TO bulkhead_web": ("schema registry", "granted to bulkhead_web"),
    "GRANT DELETE ON registry.people TO bulkhead_web": ("registry table people", "granted to bulkhead_web"),
    "REVOKE SELECT ON registry.drift_reports FROM bulkhead_web": (
        "registry table drift_reports",
        "granted to bulkhead_web",
    ),
    "GRANT SELECT ON registry.tenant_keys TO bulkhead_worker": (
        "registry table tenant_keys",
        "granted to bulkhead_worker",
    ),
    "GRANT SELECT (email) ON registry.people TO PUBLIC": ("registry table people.email", "granted to PUBLIC"),
    "ALTER TABLE registry.due OWNER TO postgres": ("registry table due", "owner"),
    "ALTER DEFAULT PRIVILEGES FOR ROLE bulkhead_provisioner GRANT SELECT ON TABLES TO bulkhead_web": (
        "role bulkhead_provisioner",
        "by default: tables to bulkhead_web",
    ),
    "ALTER DEFAULT PRIVILEGES FOR ROLE bulkhead_owner IN SCHEMA registry GRANT SELECT ON TABLES TO PUBLIC": (
        "role bulkhead_owner",
        "by default in schema registry: tables to PUBLIC",
    ),
    "ALTER DEFAULT PRIVILEGES FOR ROLE bulkhead_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC": (
        "role bulkhead_owner",
        "by default: functions to PUBLIC",
    ),
    "GRANT EXECUTE ON FUNCTION pg_catalog.lo_create(oid) TO PUBLIC": (
        "pg_catalog.lo_create(oid)",
        "granted to PUBLIC",
    ),
    "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO bulkhead_web": (
        "pg_catalog.pg_read_file(text)",
        "granted to bulkhead_web",
    ),
    "GRANT SELECT ON pg_catalog.pg_stat_all_tables TO PUBLIC": ("pg_catalog.pg_stat_all_tables", "granted to PUBLIC"),
    "GRANT SELECT ON pg_catalog.pg_authid TO bulkhead_web": ("pg_catalog.pg_authid", "granted to bulkhead_web"),
}
OBJECTS: Final = {
    "CREATE TABLE public.extra (id int)": ("DROP TABLE public.extra", "in schema public"),
    "CREATE SCHEMA extra": ("DROP SCHEMA extra", "schema"),
    "CREATE FOREIGN DATA WRAPPER extra; CREATE SERVER extra FOREIGN DATA WRAPPER extra": (
        "DROP FOREIGN DATA WRAPPER extra CASCADE",
        "foreign server",
    ),
    "SELECT lo_create(4711)": ("SELECT lo_unlink(4711)", "large objects"),
}


def shared(using: str = "provisioner") -> list[Finding]:
    """Compare what is not a tenant's. Orphans are left out: other tests make some."""
    found = [*roles.compare(using, {}, whole=True), *privileges.compare(using), *server.compare(using)]
    return [finding for finding in found if finding.tenant_id is None]


def seen(found: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.subject, finding.what) for finding in found}


@contextmanager
def undoing(administrator: psycopg.Connection, *statements: str) -> Iterator[None]:
    try:
        yield
    finally:
        for statement in statements:
            administrator.execute(statement)


@pytest.mark.parametrize("using", ["provisioner", "owner"])
def test_a_fresh_deployment_shows_none(using: str) -> None:
    assert shared(using) == []


def test_each_change_is_found_and_its_remedy_puts_it_back(administrator: psycopg.Connection) -> None:
    for change in CHANGES:
        administrator.execute(change)
    found = shared()
    for finding in found:
        administrator.execute(finding.remedy)
    left = shared()
    administrator.execute("ALTER TABLE registry.due OWNER TO bulkhead_owner")
    assert set(CHANGES.values()) - seen(found) == set()
    assert left == []
    assert Hand.PERSON not in {finding.hand for finding in found}


def test_the_owner_puts_back_the_registrys_grants_itself(administrator: psycopg.Connection) -> None:
    administrator.execute("GRANT DELETE ON registry.people TO bulkhead_web")
    with undoing(administrator, "REVOKE DELETE ON registry.people FROM bulkhead_web"):
        by_provisioner = compare(ACTOR, repair=True, using="provisioner").findings
        by_owner = compare(ACTOR, repair=True, using="owner").findings
    of_people = [
        [each for each in run if each.subject == "registry table people"] for run in (by_provisioner, by_owner)
    ]
    assert [[each.repaired for each in run] for run in of_people] == [[False], [True]]


def test_what_nobody_declared_is_found(administrator: psycopg.Connection) -> None:
    undo = [statement for statement, _ in OBJECTS.values()]
    with undoing(administrator, *undo):
        for change in OBJECTS:
            administrator.execute(change)
        found = {finding.what for finding in shared()}
    assert {what for _, what in OBJECTS.values()} <= found


def test_schemas_and_roles_without_a_tenant_are_found(administrator: psycopg.Connection) -> None:
    name = f"t_{secrets.token_hex(8)}"
    with undoing(administrator, f"DROP SCHEMA {name}", f"DROP ROLE {name}"):
        administrator.execute(f"CREATE ROLE {name}; CREATE SCHEMA {name}")
        found = list(schemas.compare("provisioner", tenants("provisioner"), whole=True))
    assert {(f"schema {name}", "tenant"), (f"role {name}", "tenant")} <= seen(found)


def test_what_roles_sql_closes_in_the_catalog_is_what_is_declared(administrator: psycopg.Connection) -> None:
    """Whatever PUBLIC may do after initdb and may no longer must be looked at, and nothing that it still may."""
    open_at_first = "EXISTS (SELECT FROM aclexplode(coalesce(initprivs, {usual})) AS a WHERE a.grantee = 0)"
    closed_now = "NOT EXISTS (SELECT FROM aclexplode(coalesce({acl}, {usual})) AS a WHERE a.grantee = 0)"
    query = """
        SELECT {name}::text FROM {catalog} AS c
        LEFT JOIN pg_init_privs ON (objoid, classoid, objsubid) = (c.oid, '{catalog}'::regclass, 0)
        WHERE {space} = 'pg_catalog'::regnamespace AND ({condition}) ORDER BY 1"""
    kinds = [
        ("pg_proc", "c.oid::regprocedure", "pronamespace", "proacl", "acldefault('f', proowner)"),
        ("pg_class", "relname", "relnamespace", "relacl", "acldefault('r', relowner)"),
    ]
    conditions = [f"{declared.SHARED_FUNCTIONS} OR {declared.COUNTING_FUNCTIONS}", declared.COUNTING_VIEWS]
    for (catalog, name, space, acl, usual), condition in zip(kinds, conditions, strict=True):
        parts = {"catalog": catalog, "name": name, "space": space}
        at_first = open_at_first.format(usual=usual)
        live = f"{at_first} AND {closed_now.format(acl=acl, usual=usual)}"
        closed = administrator.execute(query.format(condition=live, **parts)).fetchall()
        watched = administrator.execute(query.format(condition=f"({condition}) AND {at_first}", **parts)).fetchall()
        assert closed == watched


def test_a_report_is_left_and_a_tenant_told_once(household: Household, administrator: psycopg.Connection) -> None:
    name = household.tenant.schema
    administrator.execute(f"CREATE INDEX extra ON {name}.repositories (url)")
    with undoing(administrator, f"DROP INDEX {name}.extra"):
        for _ in range(2):
            compare(ACTOR, using="provisioner")
    last = DriftReport.objects.order_by("-id")[0]
    told = administrator.execute(f"SELECT count(*) FROM {name}.audit WHERE entry LIKE '%drift.found%'").fetchone()  # noqa: S608 - a name of ours
    assert any(each["what"] == "index extra" and not each["repaired"] for each in last.findings)
    assert last.tenants > 0
    assert told == (1,)


def test_only_the_last_reports_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.drift.reports.KEPT", 2)
    for _ in range(3):
        compare(ACTOR, using="provisioner")
    assert DriftReport.objects.count() == 2


def test_every_night_it_is_looked_for_and_nothing_put_back(
    household: Household, administrator: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    administrator.execute(f"ALTER ROLE {household.tenant.schema} SET work_mem = '1GB'")
    with acting_as("provisioner"):
        compare_declared()
        found = compare(ACTOR, slug=household.slug).findings
    assert [(finding.what, finding.repaired) for finding in found] == [("setting work_mem", False)]
    assert "differences from what is declared" in caplog.text
    entry = app.conf.beat_schedule["compare_declared"]
    assert app.amqp.router.route({}, entry["task"])["queue"].name == "provisioning"
