"""What a tenant's database role is: from here come both the script that makes it and the comparison with the live one.

`{tenant}` stands for the tenant's name in the database: its schema's and its role's, which are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from psycopg import sql

# Columns of pg_roles. No compartment takes all of the server's connections.
ATTRIBUTES: Final[Mapping[str, bool | int]] = {
    "rolcanlogin": True,
    "rolinherit": False,
    "rolsuper": False,
    "rolcreatedb": False,
    "rolcreaterole": False,
    "rolreplication": False,
    "rolbypassrls": False,
    "rolconnlimit": 100,
}
_CLAUSES: Final = {
    "rolcanlogin": "LOGIN",
    "rolinherit": "INHERIT",
    "rolsuper": "SUPERUSER",
    "rolcreatedb": "CREATEDB",
    "rolcreaterole": "CREATEROLE",
    "rolreplication": "REPLICATION",
    "rolbypassrls": "BYPASSRLS",
}
# What PostgreSQL gives a new role anyway; whoever lacks these may not even say NO… of them.
UNSAID: Final = frozenset({"rolsuper", "rolcreatedb", "rolreplication", "rolbypassrls"})

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


def clause(column: str, value: bool | int) -> str:
    """Return what CREATE ROLE and ALTER ROLE call a value of a column of pg_roles."""
    if column == "rolconnlimit":
        return f"CONNECTION LIMIT {value}"
    return _CLAUSES[column] if value else f"NO{_CLAUSES[column]}"


def creation(name: str, verifier: str) -> sql.Composed:
    """Return the statements that make the role, for whoever has CREATEROLE."""
    clauses = " ".join(clause(column, value) for column, value in ATTRIBUTES.items() if column not in UNSAID)
    role = sql.Identifier(name)
    made = sql.SQL("CREATE ROLE {} {} PASSWORD {};").format(role, sql.SQL(clauses), sql.Literal(verifier))
    settings = [
        sql.SQL("ALTER ROLE {} SET {} = {};").format(role, sql.Identifier(setting), sql.Literal(value))
        for setting, value in settings_of(name).items()
    ]
    return sql.SQL("\n").join([made, *settings])
