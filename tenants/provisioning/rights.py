"""What a tenant's role may do in its own schema, for whoever makes the schema or adds a table to it."""

from __future__ import annotations

from typing import Final

from psycopg import sql

# Two tables are not the tenant role's to change: the log that it may only add to, and the head of its chain, which is
# the trigger's.
_RIGHTS: Final = """\
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
REVOKE ALL ON audit, audit_head FROM {role};
GRANT SELECT, INSERT (entry) ON audit TO {role};
"""


def rights(name: str) -> sql.Composed:
    """Return the statements that give the tenant `name` (schema and role) its rights in the tables that there are."""
    return sql.SQL(_RIGHTS).format(schema=sql.Identifier(name), role=sql.Identifier(name))
