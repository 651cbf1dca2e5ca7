"""The other tenants: rights are asked about on every object of the database, and tried for real at a neighbour.

A role has a right because it was granted (to it, or to a role it is a member of), because everybody has it, or because
of what it is (a superuser, a reader of all data). The first is asked of the server's index of grants, the second once
for all tenants, the third shows at every schema: so the cost hardly grows with the number of tenants.
"""

from __future__ import annotations

from typing import Final

from tenants.isolation.attempt import UNSEEN, Attempt, Expect, nothing, refused

_FIRST: Final = "SELECT string_agg(name, ', ') FROM (SELECT {what} AS name FROM {source} LIMIT 3) found"


def sweep(what: str, source: str) -> str:
    """Return a query that names the first three of what `source` (a FROM clause and its conditions) finds."""
    return _FIRST.format(what=what, source=source)


def _everybody(key: str, words: str, what: str, source: str) -> Attempt:
    """Return the question whether PUBLIC has a right, the same for every tenant."""
    return Attempt(f"neighbours.{key}", "neighbours", words, sweep(what, source), Expect.NOTHING, once=True)


_SCHEMAS: Final = (
    "pg_namespace WHERE nspname NOT IN ('{own}', 'pg_catalog', 'information_schema') "
    "AND nspname !~ '^pg_(toast|temp)' AND has_schema_privilege(oid, 'USAGE, CREATE')"
)
_GRANTS: Final = (
    "pg_shdepend d, pg_identify_object(classid, objid, objsubid) o WHERE refclassid = 'pg_authid'::regclass "
    "AND refobjid IN (SELECT oid FROM pg_roles WHERE pg_has_role(oid, 'MEMBER')) AND deptype IN ('a', 'o') "
    "AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND coalesce(o.schema, o.name) <> '{own}'"
)
# Everything that is neither PostgreSQL's own nor a table's own row type: CASE keeps the right from being asked earlier.
_OURS: Final = "CASE WHEN {namespace}::oid NOT IN (11, 99, 'information_schema'::regnamespace) THEN {right} END"
_TABLE: Final = _OURS.format(
    namespace="c.relnamespace",
    right="has_table_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')",
)
_COLUMN: Final = _OURS.format(
    namespace="c.relnamespace",
    right="has_column_privilege('public', c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES')",
)
_SEQUENCE: Final = "has_sequence_privilege('public', c.oid, 'USAGE, SELECT, UPDATE')"
_FUNCTION: Final = _OURS.format(namespace="p.pronamespace", right="has_function_privilege('public', p.oid, 'EXECUTE')")
_TYPE: Final = _OURS.format(namespace="t.typnamespace", right="has_type_privilege('public', t.oid, 'USAGE')")
_ROW_TYPE: Final = "EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')"
_NAMES: Final = (
    "(SELECT nspname AS name FROM pg_namespace WHERE nspowner = 'bulkhead_provisioner'::regrole UNION ALL "
    "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'bulkhead_provisioner'::regrole) made "
    "WHERE name !~ '^t_[0-9a-f]{{16}}$'"
)
_COMMENTS: Final = (
    "(SELECT coalesce(relnamespace, objoid) AS namespace, description FROM pg_description LEFT JOIN pg_class "
    "ON classoid = 'pg_class'::regclass AND pg_class.oid = objoid "
    "WHERE classoid IN ('pg_class'::regclass, 'pg_namespace'::regclass)) d "
    "JOIN pg_namespace n ON n.oid = namespace WHERE nspname ~ '^t_[0-9a-f]{{16}}$'"
)

ATTEMPTS: Final = (
    *nothing(
        "neighbours",
        (
            ("schemas", "Enter any other schema of the database, or create there", sweep("nspname", _SCHEMAS)),
            (
                "grants",
                "Own anything, or have a right on anything, outside of the own schema",
                sweep("identity", _GRANTS),
            ),
        ),
    ),
    _everybody(
        "tables",
        "Use any table that everybody may use",
        "c.oid::regclass::text",
        f"pg_class c WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {_TABLE}",
    ),
    _everybody(
        "columns",
        "Use any column that everybody may use",
        "c.oid::regclass || '.' || a.attname",
        f"pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL AND {_COLUMN}",
    ),
    _everybody(
        "sequences",
        "Use any sequence that everybody may use",
        "c.oid::regclass::text",
        f"pg_class c WHERE CASE c.relkind WHEN 'S' THEN {_SEQUENCE} END",
    ),
    _everybody(
        "functions",
        "Call any function that everybody may call",
        "p.oid::regprocedure::text",
        f"pg_proc p WHERE {_FUNCTION}",
    ),
    _everybody(
        "types",
        "Use any type or domain that everybody may use",
        "t.oid::regtype::text",
        f"pg_type t WHERE t.typelem = 0 AND {_TYPE} AND NOT {_ROW_TYPE}",
    ),
    _everybody("names", "Learn a customer's name from the name of a schema or role", "name", _NAMES),
    _everybody("comments", "Learn about a customer from the comment on a schema or table", "description", _COMMENTS),
    *refused(
        "neighbours",
        (
            ("select", "Read a neighbour's secrets", "SELECT FROM {other}.sealing_secrets"),
            ("audit", "Read a neighbour's audit log", "SELECT FROM {other}.audit"),
            (
                "insert",
                "Add to a neighbour's tables",
                "INSERT INTO {other}.sealing_secrets (version) SELECT 1 WHERE false",
            ),
            ("forge", "Write into a neighbour's audit log", "INSERT INTO {other}.audit (entry) VALUES ('{{}}')"),
            ("update", "Change a neighbour's rows", "UPDATE {other}.repositories SET name = '' WHERE false"),
            ("delete", "Delete a neighbour's rows", "DELETE FROM {other}.ssh_keys WHERE false"),
            ("truncate", "Empty a neighbour's table", "TRUNCATE {other}.received_contents"),
            ("create", "Create a table in a neighbour's schema", "CREATE TABLE {other}.isolation_proof ()"),
            (
                "function",
                "Create a function in a neighbour's schema",
                "CREATE FUNCTION {other}.isolation_proof() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            ),
            (
                "refer",
                "Refer to a neighbour's rows by a foreign key",
                "ALTER TABLE {own}.repositories ADD FOREIGN KEY (id) REFERENCES {other}.repositories",
            ),
            ("lock", "Lock a neighbour's table", "LOCK TABLE {other}.repositories IN ACCESS SHARE MODE NOWAIT"),
            ("drop", "Drop a neighbour's schema", "DROP SCHEMA {other} CASCADE"),
            ("rename", "Rename a neighbour's schema", "ALTER SCHEMA {other} RENAME TO isolation_proof"),
        ),
    ),
    Attempt(
        "neighbours.path",
        "neighbours",
        "Read a neighbour's tables by way of the search path",
        "SET LOCAL search_path = {other}; SELECT FROM repositories",
        walls=UNSEEN,
    ),
)
