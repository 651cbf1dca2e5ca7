"""The other tenants: rights are asked about in every schema of the database, and tried for real at a neighbour or two.

The server's own functions answer for everything at once, whatever a right would come from: a grant to the role, to
PUBLIC, a membership, a predefined role, being a superuser.
"""

from __future__ import annotations

from typing import Final

from tenants.isolation.attempt import UNSEEN, Attempt, nothing, refused

# The schemas that are the tenant's own or PostgreSQL's.
_OWN: Final = (
    "ARRAY(SELECT oid FROM pg_namespace WHERE nspname IN ('{own}', 'pg_catalog', 'information_schema') "
    "OR nspname ~ '^pg_(toast|temp)')"
)
_FIRST: Final = "SELECT string_agg(name, ', ') FROM (SELECT {what} AS name FROM {source} LIMIT 3) found"


def sweep(what: str, source: str) -> str:
    """Return a query that names the first three of what `source` (a FROM clause and its conditions) finds."""
    return _FIRST.format(what=what, source=source)


def _elsewhere(namespace: str, right: str) -> str:
    """Return the condition that there is a right outside of the own schemas; CASE asks for it there alone."""
    return f"CASE WHEN {namespace} <> ALL ({_OWN}) THEN {right} END"


def _schemas() -> str:
    right = "has_schema_privilege(n.oid, 'USAGE, CREATE')"
    return sweep("nspname", f"pg_namespace n WHERE {_elsewhere('n.oid', right)}")


def _tables() -> str:
    right = "has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
    kinds = "c.relkind IN ('r', 'v', 'm', 'p', 'f')"
    return sweep("c.oid::regclass::text", f"pg_class c WHERE {kinds} AND {_elsewhere('c.relnamespace', right)}")


def _columns() -> str:
    right = "has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES')"
    source = "pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL AND NOT a.attisdropped"
    return sweep("c.oid::regclass || '.' || a.attname", f"{source} AND {_elsewhere('c.relnamespace', right)}")


def _sequences() -> str:
    right = "CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'USAGE, SELECT, UPDATE') END"
    return sweep("c.oid::regclass::text", f"pg_class c WHERE {_elsewhere('c.relnamespace', right)}")


def _functions() -> str:
    right = "has_function_privilege(p.oid, 'EXECUTE')"
    return sweep("p.oid::regprocedure::text", f"pg_proc p WHERE {_elsewhere('p.pronamespace', right)}")


def _types() -> str:
    # A table's own row type and its array follow the table.
    apart = "t.typelem = 0 AND (t.typrelid = 0 OR (SELECT relkind = 'c' FROM pg_class c WHERE c.oid = t.typrelid))"
    right = f"{apart} AND has_type_privilege(t.oid, 'USAGE')"
    return sweep("t.oid::regtype::text", f"pg_type t WHERE {_elsewhere('t.typnamespace', right)}")


ATTEMPTS: Final = (
    *nothing(
        "neighbours",
        (
            ("schemas", "Enter any other schema of the database, or create something there", _schemas()),
            ("tables", "Read, change, empty or refer to any table in any other schema", _tables()),
            ("columns", "Read or change a single column of any table in any other schema", _columns()),
            ("sequences", "Read or advance any sequence in any other schema", _sequences()),
            ("functions", "Call any function in any other schema", _functions()),
            ("types", "Use any type or domain in any other schema", _types()),
            (
                "comments",
                "Read comments on what is in other schemas",
                sweep(
                    "description",
                    "(SELECT description, coalesce(n.nspname, m.nspname) AS nspname FROM pg_description d "
                    "LEFT JOIN pg_namespace n ON d.classoid = 'pg_namespace'::regclass AND n.oid = d.objoid "
                    "LEFT JOIN pg_class c ON d.classoid = 'pg_class'::regclass AND c.oid = d.objoid "
                    "LEFT JOIN pg_namespace m ON m.oid = c.relnamespace) n WHERE n.nspname ~ '^t_[0-9a-f]{{16}}$' "
                    "AND n.nspname <> '{own}'",
                ),
            ),
            (
                "names",
                "Learn a customer's name from the name of a schema or role",
                sweep(
                    "name",
                    "(SELECT nspname AS name FROM pg_namespace WHERE nspowner = 'bulkhead_provisioner'::regrole "
                    "UNION SELECT roleid::regrole::text FROM pg_auth_members "
                    "WHERE member = 'bulkhead_provisioner'::regrole) made WHERE name !~ '^t_[0-9a-f]{{16}}$'",
                ),
            ),
        ),
    ),
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
