"""What must stay true for a tenant's schema to move to another server, whole (see deploy/database/SCALING.md).

By Citus schema-based sharding or by a dump: nothing in a schema points out of it, nothing outside points in, and every
statement of the portal's is about one schema.
"""

from __future__ import annotations

import re
from typing import Final

import psycopg
import pytest
from django.db import connections

from portal.demo.embedded import Stack
from tests.conftest import Household, without_worker
from tests.tenants.statements import Traffic, new_household, use_everything

# Objects of a schema, by catalog, as (class, object).
_OBJECTS: Final = """
    SELECT 'pg_class'::regclass AS classid, oid AS objid FROM pg_class WHERE relnamespace = %(schema)s::regnamespace
    UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type WHERE typnamespace = %(schema)s::regnamespace
    UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = %(schema)s::regnamespace
    UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint
        WHERE connamespace = %(schema)s::regnamespace
    UNION ALL SELECT 'pg_trigger'::regclass, t.oid FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = %(schema)s::regnamespace
    UNION ALL SELECT 'pg_attrdef'::regclass, d.oid FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid
        WHERE c.relnamespace = %(schema)s::regnamespace
    UNION ALL SELECT 'pg_rewrite'::regclass, r.oid FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
        WHERE c.relnamespace = %(schema)s::regnamespace"""

# Each finds what must not be. `%(schema)s` is the tenant's, which is its role too; `…` are its objects.
_OFFENDERS: Final = {
    "a foreign key leaves the schema, or enters it": """
        SELECT conname FROM pg_constraint k JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
        WHERE contype = 'f' AND %(schema)s::regnamespace IN (a.relnamespace, b.relnamespace)
        AND a.relnamespace <> b.relnamespace""",
    "a view, default, trigger or constraint depends on what is elsewhere": """
        WITH own AS (…)
        SELECT pg_describe_object(d.classid, d.objid, 0), pg_describe_object(d.refclassid, d.refobjid, 0)
        FROM own JOIN pg_depend d USING (classid, objid),
            pg_identify_object(d.refclassid, d.refobjid, 0) AS target
        WHERE target.schema NOT IN (%(schema)s, 'pg_catalog', 'pg_toast')
        OR (target.type = 'schema' AND target.identity <> %(schema)s) OR target.type = 'extension'""",
    "something elsewhere depends on what is in the schema": """
        WITH own AS (…)
        SELECT pg_describe_object(d.classid, d.objid, 0), pg_describe_object(d.refclassid, d.refobjid, 0)
        FROM own JOIN pg_depend d ON d.refclassid = own.classid AND d.refobjid = own.objid,
            pg_identify_object(d.classid, d.objid, 0) AS source
        WHERE strpos(source.identity, %(schema)s || '.') = 0 AND source.schema IS DISTINCT FROM 'pg_toast'""",
    "a kind of table that can't be moved: inherited, partitioned, foreign, unlogged, temporary": """
        SELECT relname FROM pg_class WHERE relnamespace = %(schema)s::regnamespace
        AND (relkind NOT IN ('r', 'i', 'S', 'v') OR relpersistence <> 'p' OR relhassubclass OR relispartition)""",
    "a table without a primary key, which logical replication needs": """
        SELECT relname FROM pg_class c WHERE relnamespace = %(schema)s::regnamespace AND relkind = 'r'
        AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)""",
    "a number that a node can't hand out by itself: an identity that is no bigint, or a serial": """
        SELECT attrelid::regclass, attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE relnamespace = %(schema)s::regnamespace AND ((attidentity <> '' AND atttypid <> 'bigint'::regtype)
        OR pg_get_expr(d.adbin, d.adrelid) ~ 'nextval')""",
    "a sequence that is not one identity column's own": """
        SELECT relname FROM pg_class c WHERE relnamespace = %(schema)s::regnamespace AND relkind = 'S'
        AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid
            WHERE d.objid = c.oid AND d.deptype = 'i' AND t.relnamespace = c.relnamespace)""",
    "a function whose search path is not this schema": """
        SELECT proname FROM pg_proc WHERE pronamespace = %(schema)s::regnamespace
        AND proconfig IS DISTINCT FROM ARRAY['search_path=' || %(schema)s || ', pg_temp']""",
    "a function that names a schema": """
        SELECT proname FROM pg_proc WHERE pronamespace = %(schema)s::regnamespace
        AND prosrc ~* '\\m(from|join|into|update|table|call)\\s+(?!new\\M|old\\M)"?\\w+"?\\s*\\.'""",
    "an owner who is not the one that distributes schemas": """
        WITH own AS (…) SELECT relname FROM pg_class JOIN own ON objid = oid
        WHERE relowner <> 'bulkhead_provisioner'::regrole
        UNION SELECT proname FROM pg_proc JOIN own ON objid = oid WHERE proowner <> 'bulkhead_provisioner'::regrole
        UNION SELECT nspname FROM pg_namespace WHERE nspname = %(schema)s
            AND nspowner <> 'bulkhead_provisioner'::regrole""",
    "a role that is in another, which would have to be there first": """
        SELECT roleid::regrole FROM pg_auth_members WHERE member = %(schema)s::regrole""",
    "a setting that is bound to this server's database": """
        SELECT setconfig FROM pg_db_role_setting WHERE setrole = %(schema)s::regrole AND setdatabase <> 0""",
    "rights for anybody but the tenant's role and the owner": """
        SELECT relname, acl.grantee::regrole FROM pg_class, aclexplode(relacl) AS acl
        WHERE relnamespace = %(schema)s::regnamespace
        AND acl.grantee NOT IN (%(schema)s::regrole, 'bulkhead_provisioner'::regrole)""",
}


@pytest.fixture(scope="module")
def pair() -> tuple[Household, Household]:
    """A provider and a consumer for all of these tests: none changes what the next looks at."""
    return new_household(), new_household()


@pytest.fixture(scope="module")
def schema(pair: tuple[Household, Household]) -> str:
    return pair[0].tenant.schema


@pytest.fixture(scope="module")
def traffic(pair: tuple[Household, Household], request: pytest.FixtureRequest, stack: Stack) -> Traffic:
    """Every statement of the actions and of a delivery, between two tenants."""
    with without_worker(request, stack):
        return use_everything(*pair)


_VERBS: Final = {"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "SAVEPOINT", "RELEASE", "ROLLBACK"}


def _found(administrator: psycopg.Connection, question: str, schema: str) -> list[tuple[object, ...]]:
    # Literals, not parameters: PostgreSQL reads one name as a role, a schema or a text, as each place asks.
    cursor = psycopg.ClientCursor(administrator)
    return cursor.execute(_OFFENDERS[question].replace("…", _OBJECTS).encode(), {"schema": schema}).fetchall()


@pytest.mark.parametrize("question", _OFFENDERS, ids=lambda question: question.split(",")[0].split(":")[0])
def test_nothing_ties_a_schema_to_its_server(schema: str, administrator: psycopg.Connection, question: str) -> None:
    assert _found(administrator, question, schema) == []


# What each question is there to find, done once to a schema that is thrown away.
_TIES: Final = {
    "a foreign key leaves the schema, or enters it": (
        "ALTER TABLE repositories ADD owner uuid REFERENCES registry.people (id)"
    ),
    "a view, default, trigger or constraint depends on what is elsewhere": (
        "CREATE VIEW members AS SELECT person_id FROM registry.memberships"
    ),
    "something elsewhere depends on what is in the schema": (
        "CREATE VIEW registry.everybodys AS SELECT name FROM repositories"
    ),
    "a kind of table that can't be moved: inherited, partitioned, foreign, unlogged, temporary": (
        "CREATE UNLOGGED TABLE scratch (id bigint PRIMARY KEY)"
    ),
    "a table without a primary key, which logical replication needs": "CREATE TABLE keyless (name text)",
    "a number that a node can't hand out by itself: an identity that is no bigint, or a serial": (
        "CREATE TABLE counted (id int PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY)"
    ),
    "a sequence that is not one identity column's own": "CREATE SEQUENCE loose",
    "a function whose search path is not this schema": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a function that names a schema": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM 1 FROM registry.tenants; END'"
    ),
    "an owner who is not the one that distributes schemas": "CREATE TABLE mine (id bigint PRIMARY KEY)",
    "a role that is in another, which would have to be there first": "GRANT bulkhead_web TO {}",
    "a setting that is bound to this server's database": "ALTER ROLE {0} IN DATABASE bulkhead SET search_path = {0}",
    "rights for anybody but the tenant's role and the owner": "GRANT SELECT ON repositories TO bulkhead_worker",
}


@pytest.mark.parametrize("question", _OFFENDERS, ids=lambda question: question.split(",")[0].split(":")[0])
def test_each_tie_would_be_seen(schema: str, administrator: psycopg.Connection, question: str) -> None:
    with administrator.transaction(force_rollback=True):
        administrator.execute(f"SET LOCAL search_path = {schema}".encode())
        administrator.execute(_TIES[question].format(schema).encode())
        assert _found(administrator, question, schema) != []


def test_a_role_settles_its_search_path_by_itself(schema: str, administrator: psycopg.Connection) -> None:
    """No statement sets it: a pooler or a coordinator in between has no session to keep."""
    query = "SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = %s::regrole"
    settings = dict(row[0].split("=", 1) for row in administrator.execute(query, [schema]))
    assert settings["search_path"] == schema
    assert not [name for name in settings if name.startswith(("session_preload", "local_preload", "role", "citus"))]


def test_the_actions_name_only_their_own_tables_and_no_schema(traffic: Traffic) -> None:
    own, registry = traffic.tables, set(connections["default"].introspection.table_names())
    assert len(traffic.inside) > 80
    assert not own & registry, "a table's name says which side it is on"
    for statement in traffic.inside:
        assert not statement.qualified, statement
        assert statement.tables <= own, statement
    for statement in traffic.registry:
        assert not statement.qualified, statement
        assert not statement.tables & own, statement
    used = {table for statement in traffic.inside for table in statement.tables}
    assert used >= own - {"audit_head"}, "each table is used by some action, the trigger's excepted"


def test_the_actions_leave_no_state_in_a_session(traffic: Traffic) -> None:
    for statement in traffic.inside:
        assert statement.verb in _VERBS, statement


def test_the_actions_call_no_volatile_function(traffic: Traffic, administrator: psycopg.Connection) -> None:
    """A coordinator refuses them where it can't tell on which node, and how often, they would run."""
    called = {name for statement in traffic.inside for name in re.findall(r"\b([a-z_]\w*)\(", statement.sql.lower())}
    query = "SELECT proname FROM pg_proc WHERE provolatile = 'v' AND prokind = 'f' AND proname = ANY (%s)"
    assert administrator.execute(query, [sorted(called)]).fetchall() == []


def test_no_transaction_spans_two_compartments(traffic: Traffic) -> None:
    assert {alias for statement in traffic.inside for alias in statement.open} == traffic.aliases, "both wrote"
    for statement in traffic.inside:
        assert statement.open <= {statement.alias}, statement
