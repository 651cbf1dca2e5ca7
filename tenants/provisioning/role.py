"""What a tenant's database role is: from here come both the script that makes it and the comparison with the live one.

`{tenant}` stands for the tenant's name in the database: its schema's and its role's, which are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from psycopg import sql

# Clause of CREATE ROLE → the columns of pg_roles that it sets. No compartment takes all of the server's connections.
CONNECTIONS: Final = 100
ATTRIBUTES: Final[Mapping[str, tuple[str, object]]] = {
    "LOGIN": ("rolcanlogin", True),
    "NOINHERIT": ("rolinherit", False),
    "NOSUPERUSER": ("rolsuper", False),
    "NOCREATEDB": ("rolcreatedb", False),
    "NOCREATEROLE": ("rolcreaterole", False),
    "NOREPLICATION": ("rolreplication", False),
    "NOBYPASSRLS": ("rolbypassrls", False),
    f"CONNECTION LIMIT {CONNECTIONS}": ("rolconnlimit", CONNECTIONS),
}
# What PostgreSQL gives a new role anyway; saying NOSUPERUSER, even so, is the superuser's alone.
_UNSAID: Final = {"NOSUPERUSER", "NOCREATEDB", "NOCREATEROLE", "NOREPLICATION", "NOBYPASSRLS"}

SETTINGS: Final[Mapping[str, str]] = {
    "search_path": "{tenant}",
    "TimeZone": "UTC",
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
}


def settings_of(name: str) -> dict[str, str]:
    """Return each setting of the role `name` and its value, as pg_db_role_setting shows them."""
    return {setting: value.format(tenant=name) for setting, value in SETTINGS.items()}


def creation(name: str, verifier: str) -> sql.Composed:
    """Return the statements that make the role, for whoever has CREATEROLE."""
    clauses = " ".join(clause for clause in ATTRIBUTES if clause not in _UNSAID)
    role = sql.Identifier(name)
    made = sql.SQL("CREATE ROLE {} {} PASSWORD {};").format(role, sql.SQL(clauses), sql.Literal(verifier))
    settings = [
        sql.SQL("ALTER ROLE {} SET {} = {};").format(role, sql.Identifier(setting), sql.Literal(value))
        for setting, value in settings_of(name).items()
    ]
    return sql.SQL("\n").join([made, *settings])
