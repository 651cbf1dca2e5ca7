"""What a tenant's role may do in its own schema, for whoever makes the schema or adds a table to it."""

from __future__ import annotations

from typing import Final

from psycopg import sql

# Tables are found by what depends on the schema, and named. `ON ALL TABLES IN SCHEMA` reads all of pg_class five times
# over: at 6,000 tenants it took 250 ms, this takes one.
# Two tables are not the tenant role's to change: the log that it may only add to, and the head of its chain, which is
# the trigger's.
_RIGHTS: Final = """\
DO $$ BEGIN EXECUTE (
    SELECT format(
        'GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', string_agg(objid::regclass::text, ', '), {role_name})
    FROM pg_depend JOIN pg_class ON pg_class.oid = objid AND relkind IN ('r', 'p', 'v')
    WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_namespace'::regclass
    AND refobjid = {schema_name}::regnamespace
); END $$;
REVOKE ALL ON audit, audit_head FROM {role};
GRANT SELECT, INSERT (entry) ON audit TO {role};
"""


def rights(name: str) -> sql.Composed:
    """Return the statements that give the tenant `name` (schema and role) its rights in the tables that there are."""
    literal = sql.Literal(name)
    return sql.SQL(_RIGHTS).format(schema_name=literal, role_name=literal, role=sql.Identifier(name))
