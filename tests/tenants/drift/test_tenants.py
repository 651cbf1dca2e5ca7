"""Drift of a tenant: each thing that was changed behind the code's back is found, and what is safe is put back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Final

import psycopg
import pytest

from portal.demo.embedded import Stack
from tenants.actor import Actor
from tenants.drift import comparison, reading
from tenants.drift.comparison import compare
from tenants.drift.findings import Finding, Hand
from tenants.registry.models import DriftReport
from tests.conftest import NO_LIMITS, Household, NewTenant, as_own_role

ACTOR: Final = Actor.operator("test")

# What an administrator or a bug could do → what must be found. {t} is the tenant's schema and role.
REPAIRABLE: Final = {
    "ALTER ROLE {t} INHERIT": "role attribute",
    "ALTER ROLE {t} CONNECTION LIMIT -1": "role attribute",
    "ALTER ROLE {t} CREATEROLE": "role attribute",
    "ALTER ROLE {t} VALID UNTIL '2099-01-01'": "role attribute",
    "ALTER ROLE {t} RESET search_path": "setting search_path",
    "ALTER ROLE {t} SET lock_timeout = 0": "setting lock_timeout",
    "ALTER ROLE {t} SET work_mem = '1GB'": "setting work_mem",
    "ALTER ROLE {t} IN DATABASE bulkhead SET statement_timeout = 0": "setting statement_timeout in database bulkhead",
    "SET ROLE bulkhead_provisioner; GRANT {t} TO bulkhead_web; RESET ROLE": "membership of bulkhead_web in {t}",
    "GRANT DELETE, INSERT ON {t}.audit TO {t}": "table audit: granted to {{tenant}}",
    "GRANT SELECT ON {t}.repositories TO PUBLIC": "table repositories: granted to PUBLIC",
    "REVOKE UPDATE ON {t}.repositories FROM {t}": "table repositories: granted to {{tenant}}",
    "GRANT UPDATE (position) ON {t}.audit TO {t}": "column audit.position: granted to {{tenant}}",
    "GRANT CREATE ON SCHEMA {t} TO {t}": "schema: granted to {{tenant}}",
    "GRANT USAGE ON SCHEMA {t} TO bulkhead_web": "schema: granted to bulkhead_web",
    "GRANT EXECUTE ON FUNCTION {t}.audit_chain() TO PUBLIC": "function audit_chain(): granted to PUBLIC",
    "GRANT USAGE ON SEQUENCE {t}.parameter_versions_id_seq TO {t}": "sequence parameter_versions_id_seq: granted to",
}
BEYOND: Final = {
    "ALTER ROLE {t} BYPASSRLS": "role attribute",
    "GRANT pg_read_all_data TO {t}": "membership of {t} in pg_read_all_data",
    "CREATE INDEX extra ON {t}.repositories (url)": "index extra",
    "ALTER TABLE {t}.repositories ALTER url SET DEFAULT ''": "column repositories.url: default",
    "ALTER TABLE {t}.audit DISABLE TRIGGER audit_chain": "trigger audit.audit_chain: definition",
    "ALTER TABLE {t}.sent_contents OWNER TO {t}": "table sent_contents: owner",
    "ALTER FUNCTION {t}.audit_chain() SECURITY INVOKER": "function audit_chain(): definition",
}


@pytest.fixture
def lost(new_tenant: NewTenant, administrator: psycopg.Connection) -> Iterator[Household]:
    """A tenant that a test may damage: it is gone afterwards."""
    household = new_tenant()
    yield household
    name = household.tenant.schema
    administrator.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
    if administrator.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone() is not None:
        administrator.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")
    for table in ("memberships", "tenant_keys", "sealing_keys"):
        administrator.execute(f"DELETE FROM registry.{table} WHERE tenant_id = %s", [household.tenant.id])  # noqa: S608 - ours
    administrator.execute("DELETE FROM registry.tenants WHERE id = %s", [household.tenant.id])


def findings(household: Household, *, repair: bool = False, using: str = "provisioner") -> list[Finding]:
    return compare(ACTOR, slug=household.slug, repair=repair, using=using).findings


def unseen(found: list[Finding], changes: dict[str, str], name: str) -> list[str]:
    whats = [finding.what for finding in found]
    return [what for what in changes.values() if not any(each.startswith(what.format(t=name)) for each in whats)]


def told(household: Household, administrator: psycopg.Connection, action: str) -> list[list[str]]:
    entries = administrator.execute(
        f"SELECT entry FROM {household.tenant.schema}.audit ORDER BY position"  # noqa: S608 - a name of ours
    ).fetchall()
    acts = [json.loads(entry) for (entry,) in entries]
    return [act["detail"]["findings"] for act in acts if act["action"] == action]


@pytest.mark.parametrize("using", ["provisioner", "owner"])
def test_a_new_tenant_shows_none(household: Household, using: str) -> None:
    assert findings(household, using=using) == []


def test_what_is_safe_is_found_and_put_back(lost: Household, administrator: psycopg.Connection) -> None:
    name = lost.tenant.schema
    for change in REPAIRABLE:
        administrator.execute(change.format(t=name))
    found = findings(lost)
    assert unseen(found, REPAIRABLE, name) == []
    assert {finding.hand for finding in found} == {Hand.PROVISIONER}
    repaired = findings(lost, repair=True)
    assert [finding for finding in repaired if not finding.repaired] == []
    assert findings(lost) == []
    with lost.enter():  # with all of its rights, and its log written to
        assert len(told(lost, administrator, "drift.repaired")) == 1
        assert len(told(lost, administrator, "drift.found")) == 1


def test_what_is_not_safe_is_found_and_left(lost: Household, administrator: psycopg.Connection) -> None:
    name = lost.tenant.schema
    for change in BEYOND:
        administrator.execute(change.format(t=name))
    found = findings(lost, repair=True)
    assert unseen(found, BEYOND, name) == []
    assert not any(finding.repaired for finding in found)
    for finding in found:
        if finding.hand is Hand.ADMINISTRATOR:
            administrator.execute(finding.remedy)
    findings(lost, repair=True)  # whose the table was had rights as its owner
    assert {finding.hand for finding in findings(lost)} == {Hand.PERSON}


@pytest.fixture
def intruder(household: Household, stack: Stack) -> Iterator[psycopg.Connection]:
    """A session of a tenant's own role, with the time limits of none."""
    with as_own_role(household.tenant, stack, options=NO_LIMITS) as own:
        yield own


@pytest.fixture
def among_two(household: Household, neighbour: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the other tests' tenants out of comparisons of all."""
    every, ours = reading.tenants, [household.tenant.id, neighbour.tenant.id]
    monkeypatch.setattr(comparison, "tenants", lambda using, ids=None: every(using, ours if ids is None else ids))


@pytest.mark.usefixtures("among_two")
def test_a_tenant_that_holds_its_tables_hides_no_other(
    household: Household,
    neighbour: Household,
    intruder: psycopg.Connection,
    administrator: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tenants.provisioning.shape.PATIENCE", "SET LOCAL lock_timeout = '100ms'")
    administrator.execute(f"CREATE INDEX extra ON {neighbour.tenant.schema}.repositories (url)")
    intruder.execute("LOCK TABLE repositories IN ACCESS EXCLUSIVE MODE")
    begun = time.monotonic()
    found = {finding.tenant_id: finding for finding in compare(ACTOR, using="provisioner").findings}
    took = time.monotonic() - begun
    intruder.rollback()
    assert found[household.tenant.id].live.startswith("could not be read: canceling statement due to lock timeout")
    assert found[neighbour.tenant.id].what == "index extra"
    assert took < 45  # without a limit it would wait until a statement takes too long: 60 s
    assert findings(household) == []


@pytest.mark.usefixtures("among_two")
def test_a_tenant_that_holds_its_log_delays_no_report_and_is_told_later(
    household: Household, intruder: psycopg.Connection, administrator: psycopg.Connection
) -> None:
    administrator.execute(f"ALTER ROLE {household.tenant.schema} SET work_mem = '1GB'")
    intruder.execute("INSERT INTO audit (entry) VALUES ('{}')")
    before = DriftReport.objects.order_by("-id").first()
    compare(ACTOR, using="provisioner")
    report = DriftReport.objects.order_by("-id")[0]
    intruder.rollback()
    assert before is None or report.id > before.id
    assert any(each["what"] == "setting work_mem" for each in report.findings)
    assert told(household, administrator, "drift.found") == []
    compare(ACTOR, using="provisioner")
    assert len(told(household, administrator, "drift.found")) == 1


def test_a_tenant_is_told_once_whoever_compares_how_often(
    household: Household, administrator: psycopg.Connection
) -> None:
    administrator.execute(f"ALTER ROLE {household.tenant.schema} SET work_mem = '1GB'")
    for _ in range(2):
        findings(household)
    assert len(told(household, administrator, "drift.found")) == 1
    administrator.execute(f"ALTER ROLE {household.tenant.schema} SET temp_buffers = '1GB'")
    findings(household)
    assert len(told(household, administrator, "drift.found")) == 2


def test_a_role_that_lifted_its_own_limits_is_put_back(household: Household, stack: Stack) -> None:
    with as_own_role(household.tenant, stack, autocommit=True) as own:
        own.execute("ALTER ROLE CURRENT_USER SET statement_timeout = 0")
        own.execute("ALTER ROLE CURRENT_USER IN DATABASE bulkhead SET search_path = pg_temp")
    found = findings(household, repair=True)
    assert len(found) == 2
    assert all(finding.repaired for finding in found)


def test_a_table_that_is_gone_is_one_finding_and_is_not_made_again(
    lost: Household, administrator: psycopg.Connection
) -> None:
    administrator.execute(f"DROP TABLE {lost.tenant.schema}.received_contents")
    found = findings(lost, repair=True)
    assert "table received_contents" in {finding.what for finding in found}
    assert {finding.hand for finding in found} == {Hand.PERSON}


def test_a_neighbour_is_not_named_in_a_tenants_log(
    lost: Household, neighbour: Household, administrator: psycopg.Connection
) -> None:
    administrator.execute(f"GRANT SELECT ON {lost.tenant.schema}.audit TO {neighbour.tenant.schema}")
    assert any(neighbour.tenant.schema in finding.what for finding in findings(lost, repair=True))
    assert neighbour.tenant.schema not in str(told(lost, administrator, "drift.repaired"))
    assert "another tenant" in str(told(lost, administrator, "drift.repaired"))


def test_a_tenant_without_schema_or_role_is_found(lost: Household, administrator: psycopg.Connection) -> None:
    name = lost.tenant.schema
    administrator.execute(f"DROP SCHEMA {name} CASCADE")
    assert {(finding.what, finding.hand) for finding in findings(lost, repair=True)} == {("schema", Hand.PERSON)}
    administrator.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")
    assert {"schema", "role"} <= {finding.what for finding in findings(lost, repair=True)}


@pytest.mark.usefixtures("among_two")
def test_tenants_behind_are_one_finding_and_nothing_for_their_logs(
    household: Household, neighbour: Household, administrator: psycopg.Connection
) -> None:
    ids = [household.tenant.id, neighbour.tenant.id]
    update = "UPDATE registry.tenants SET schema_version = %s WHERE id = ANY(%s)"
    administrator.execute(update, ["0001_initial", ids])
    try:
        first = [each for each in compare(ACTOR, using="provisioner").findings if each.what == "schema version"]
        administrator.execute("UPDATE registry.tenants SET schema_failure = 'x' WHERE id = %s", ids[:1])
        failed = [each for each in compare(ACTOR, using="provisioner").findings if each.what == "schema version"]
    finally:
        administrator.execute(update, [household.tenant.schema_version, ids])
        administrator.execute("UPDATE registry.tenants SET schema_failure = '' WHERE id = ANY(%s)", [ids])
    assert [(each.subject, each.live, each.tenant_id) for each in first] == [("tenants", "tenants behind: 2", None)]
    assert {(each.subject, each.live) for each in failed} == {
        (f"tenant {household.slug}", "0001_initial (x)"),
        ("tenants", "tenants behind: 1"),
    }
    assert not any(
        "schema version" in line for entry in told(neighbour, administrator, "drift.found") for line in entry
    )


@pytest.mark.parametrize(("version", "advice"), [("0001_initial", "migrate_tenants"), ("9999_later", "Run the code")])
def test_a_version_that_is_not_the_codes_is_found(
    lost: Household, administrator: psycopg.Connection, version: str, advice: str
) -> None:
    administrator.execute("UPDATE registry.tenants SET schema_version = %s WHERE id = %s", [version, lost.tenant.id])
    found = {finding.what: finding for finding in findings(lost, repair=True)}
    assert found["schema version"].live == version
    assert advice in found["schema version"].remedy
    # Of a version that is known, the shape is; what a later migration made is not part of it.
    assert ("function audit_chain()" in found) == (version == "0001_initial")
