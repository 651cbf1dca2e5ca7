"""Drift of a tenant: each thing that was changed behind the code's back is found, and what is safe is put back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import psycopg
import pytest

from portal.demo.embedded import Stack
from tenants.actor import Actor
from tenants.databases.current import role_password
from tenants.drift.comparison import compare
from tenants.drift.findings import Finding, Hand
from tests.conftest import Household, NewTenant

ACTOR: Final = Actor.operator("test")

# What an administrator or a bug could do → what must be found. {t} is the tenant's schema and role.
REPAIRABLE: Final = {
    "ALTER ROLE {t} INHERIT": "role attribute",
    "ALTER ROLE {t} CONNECTION LIMIT -1": "role attribute",
    "ALTER ROLE {t} CREATEROLE": "role attribute",
    "ALTER ROLE {t} VALID UNTIL '2099-01-01'": "role attribute",
    "ALTER ROLE {t} SET search_path = registry": "setting search_path",
    "ALTER ROLE {t} RESET lock_timeout": "setting lock_timeout",
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


def test_a_role_that_lifted_its_own_limits_is_put_back(household: Household, stack: Stack) -> None:
    name = household.tenant.schema
    with psycopg.connect(
        host="127.0.0.1",
        port=stack.ports["postgresql"],
        dbname="bulkhead",
        user=name,
        password=role_password(name, 1),
        autocommit=True,
    ) as own:
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
