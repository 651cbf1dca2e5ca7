"""A tenant's database role: what SQL injected inside a compartment could try, and PostgreSQL itself refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import psycopg
import pytest
from django.db import connections

from portal.demo.embedded import Stack
from tenants.databases.base import close_compartments
from tenants.databases.settings import DATABASE, settings_of
from tests.conftest import Household, as_own_role

PERMISSION_DENIED: Final = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def as_role(household: Household, stack: Stack) -> Iterator[psycopg.Connection]:
    """A connection that only the tenant's own role opened: what SQL injected inside the compartment would have."""
    with as_own_role(household.tenant, stack, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    "statement",
    [
        "RESET ROLE; SELECT * FROM {other}.repositories",
        "SELECT set_config('role', '{other}', false)",
        "SELECT set_config('role', 'bulkhead_provisioner', false)",
        "SET ROLE {other}",
        "SET SESSION AUTHORIZATION {other}",
        "SELECT * FROM {other}.repositories",
        "INSERT INTO {other}.repositories (id, name, url, labels) VALUES (gen_random_uuid(), 'x', '', '[]')",
        "SELECT * FROM {other}.audit",
        "INSERT INTO {other}.audit (entry) VALUES ('forged')",
        "SET search_path = {other}; SELECT * FROM {other}.audit",
        "SELECT * FROM registry.tenants",
        "SELECT * FROM registry.tenant_keys",
        "SELECT * FROM registry.people",
        "CREATE TABLE {own}.mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE audit (entry text)",
        "CREATE ROLE somebody",
        "ALTER ROLE {other} PASSWORD 'x'",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "UPDATE {own}.audit SET entry = 'rewritten'",
        "DELETE FROM {own}.audit",
        "TRUNCATE {own}.audit",
        "INSERT INTO {own}.audit (position, at, entry, previous, hash) VALUES (99, now(), '', '', '')",
        "SELECT * FROM {own}.audit_head",
        "UPDATE {own}.audit_head SET position = 0",
        "ALTER TABLE {own}.audit DISABLE TRIGGER ALL",
        "DROP TABLE {own}.audit",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY {own}.repositories TO PROGRAM 'true'",
        "SELECT rolpassword FROM pg_authid",
        "SELECT lo_from_bytea(0, 'shared')",
        "SELECT lo_get(1)",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_xact_lock(1)",
        "SELECT pg_notify('neighbours', 'hello')",
        "SELECT pg_logical_emit_message(false, 'a', 'b')",
        "SELECT n_live_tup FROM pg_stat_all_tables",
        "SELECT n_tup_ins FROM pg_stat_user_tables",
    ],
)
def test_tenant_role_is_denied(
    as_role: psycopg.Connection, household: Household, neighbour: Household, statement: str
) -> None:
    sql = statement.format(own=household.tenant.schema, other=neighbour.tenant.schema)
    with pytest.raises(PERMISSION_DENIED):
        as_role.execute(sql)


def test_tenant_role_uses_its_own_schema(as_role: psycopg.Connection, household: Household) -> None:
    assert as_role.execute("SELECT current_schema(), session_user").fetchone() == (
        household.tenant.schema,
        household.tenant.schema,
    )
    assert as_role.execute("SELECT count(*) FROM repositories").fetchone() == (0,)


def test_tenant_role_belongs_to_no_other_role(as_role: psycopg.Connection, household: Household) -> None:
    memberships = as_role.execute(
        "SELECT count(*) FROM pg_auth_members WHERE member = %s::regrole", [household.tenant.schema]
    )
    assert memberships.fetchone() == (0,)


def test_a_tenants_role_starts_with_limits(
    household: Household, administrator: psycopg.Connection, as_role: psycopg.Connection
) -> None:
    query = "SELECT rolconnlimit FROM pg_roles WHERE rolname = %s"
    (connections_allowed,) = administrator.execute(query, [household.tenant.schema]).fetchone() or (-1,)
    assert 0 < connections_allowed <= 100
    for setting, value in (("statement_timeout", "30s"), ("lock_timeout", "5s")):
        assert as_role.execute(f"SHOW {setting}".encode()).fetchone() == (value,)
    assert as_role.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("1min",)


def test_what_a_role_sets_for_itself_does_not_bind_who_enters(
    household: Household, administrator: psycopg.Connection
) -> None:
    """Else a worker would wait for a tenant's locks as long as that tenant likes, or read where it points."""
    role = household.tenant.schema
    for setting in ("lock_timeout = 0", "statement_timeout = 0", "search_path = pg_catalog", "TimeZone = 'Asia/Tokyo'"):
        administrator.execute(f"ALTER ROLE {role} SET {setting}".encode())
    administrator.execute(f"ALTER ROLE {role} SET default_transaction_read_only = on".encode())
    close_compartments()
    with household.enter() as inside, connections[inside.alias].cursor() as cursor:
        found = {}
        for name in [*settings_of(role), *DATABASE, "default_transaction_read_only"]:
            cursor.execute(f"SHOW {name}")
            (found[name],) = cursor.fetchone() or ("",)
    shown = {"idle_in_transaction_session_timeout": "1min", "default_transaction_read_only": "off"}
    assert found == {**settings_of(role), **DATABASE, **shown}
