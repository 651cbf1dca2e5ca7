"""The other tenants: rights are asked about in every schema of the database, and tried for real at a neighbour or two.

The server's own functions answer for everything at once, whatever a right would come from: a grant to the role, to
PUBLIC, a membership, a predefined role, being a superuser.
"""

from __future__ import annotations

from typing import Final

from tenants.isolation.attempt import UNSEEN, Attempt, nothing, refused

# What is not the tenant's own and not PostgreSQL's; {alias} is a table's alias for pg_namespace.
FOREIGN: Final = "n.nspname NOT IN ('{own}', 'pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"
_FIRST: Final = "SELECT string_agg(name, ', ') FROM (SELECT {what} AS name FROM {source} LIMIT 3) found"


def sweep(what: str, source: str) -> str:
    """Return a query that names the first three objects, in any schema, on which there is a right."""
    return _FIRST.format(what=what, source=source)


_TABLES: Final = (
    "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') "
    f"AND {FOREIGN} AND "
)

ATTEMPTS: Final = (
    *nothing(
        "neighbours",
        (
            (
                "schemas",
                "Enter any other schema of the database, or create something there",
                sweep("nspname", f"pg_namespace n WHERE {FOREIGN} AND has_schema_privilege(n.oid, 'USAGE, CREATE')"),
            ),
            (
                "tables",
                "Read, change, empty or refer to any table in any other schema",
                sweep(
                    "c.oid::regclass::text",
                    f"{_TABLES} has_table_privilege(c.oid, "
                    "'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')",
                ),
            ),
            (
                "columns",
                "Read or change a single column of any table in any other schema",
                sweep(
                    "a.attrelid::regclass || '.' || a.attname",
                    "pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
                    f"WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND {FOREIGN} AND has_column_privilege("
                    "c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES')",
                ),
            ),
            (
                "sequences",
                "Read or advance any sequence in any other schema",
                sweep(
                    "c.oid::regclass::text",
                    "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
                    f"{FOREIGN} AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'USAGE, SELECT, UPDATE') END",
                ),
            ),
            (
                "functions",
                "Call any function in any other schema",
                sweep(
                    "p.oid::regprocedure::text",
                    "pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
                    f"WHERE {FOREIGN} AND has_function_privilege(p.oid, 'EXECUTE')",
                ),
            ),
            (
                "types",
                "Use any type or domain in any other schema",
                # A table's own row type and its array follow the table.
                sweep(
                    "t.oid::regtype::text",
                    "pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid "
                    f"WHERE {FOREIGN} AND t.typelem = 0 AND coalesce(c.relkind, 'c') = 'c' "
                    "AND has_type_privilege(t.oid, 'USAGE')",
                ),
            ),
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
                "Learn a customer’s name from the name of a schema or role",
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
            ("select", "Read a neighbour’s secrets", "SELECT FROM {other}.sealing_secrets"),
            ("audit", "Read a neighbour’s audit log", "SELECT FROM {other}.audit"),
            ("insert", "Add to a neighbour’s tables", "INSERT INTO {other}.sealing_secrets (version) SELECT 1 WHERE false"),
            ("forge", "Write into a neighbour’s audit log", "INSERT INTO {other}.audit (entry) VALUES ('{{}}')"),
            ("update", "Change a neighbour’s rows", "UPDATE {other}.repositories SET name = '' WHERE false"),
            ("delete", "Delete a neighbour’s rows", "DELETE FROM {other}.ssh_keys WHERE false"),
            ("truncate", "Empty a neighbour’s table", "TRUNCATE {other}.received_contents"),
            ("create", "Create a table in a neighbour’s schema", "CREATE TABLE {other}.isolation_proof ()"),
            (
                "function",
                "Create a function in a neighbour’s schema",
                "CREATE FUNCTION {other}.isolation_proof() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            ),
            (
                "refer",
                "Refer to a neighbour’s rows by a foreign key",
                "ALTER TABLE {own}.repositories ADD FOREIGN KEY (id) REFERENCES {other}.repositories",
            ),
            ("lock", "Lock a neighbour’s table", "LOCK TABLE {other}.repositories IN ACCESS SHARE MODE NOWAIT"),
            ("drop", "Drop a neighbour’s schema", "DROP SCHEMA {other} CASCADE"),
            ("rename", "Rename a neighbour’s schema", "ALTER SCHEMA {other} RENAME TO isolation_proof"),
        ),
    ),
    Attempt(
        "neighbours.path",
        "neighbours",
        "Read a neighbour’s tables by way of the search path",
        "SET LOCAL search_path = {other}; SELECT FROM repositories",
        walls=UNSEEN,
    ),
    # A server built without XML says so only to whoever may read the table.
    Attempt(
        "neighbours.xml",
        "neighbours",
        "Copy a neighbour’s table out as XML",
        "SELECT table_to_xml('{other}.repositories', true, true, '')",
        beyond=frozenset({"0A000"}),
    ),
)
