"""What every session of a tenant's role is set to: kept in the database, and said again at each connection.

A role can change its own settings (`ALTER ROLE CURRENT_USER SET …`), PostgreSQL forbids that to nobody. What a client
says when it connects outranks them, so that a tenant can neither make a worker wait for its locks for ever nor send its
queries elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# `{tenant}` stands for the tenant's name in the database: its schema's and its role's, which are one.
ROLE: Final[Mapping[str, str]] = {"search_path": "{tenant}"}
# For every role that sets nothing else (deploy/database/roles.sql). With each role they would cost each creation: to
# set something for a role, PostgreSQL walks all the tenants that the provisioner has made.
DATABASE: Final[Mapping[str, str]] = {
    "TimeZone": "UTC",
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
}


def settings_of(name: str) -> dict[str, str]:
    """Return each setting of the role `name` itself and its value, as pg_db_role_setting shows them."""
    return {setting: value.format(tenant=name) for setting, value in ROLE.items()}


def startup_options(name: str) -> str:
    """Return libpq's `options` for a session of the role `name`."""
    said = {**settings_of(name), **DATABASE, "default_transaction_read_only": "off"}
    return " ".join(f"-c {setting}={value}" for setting, value in said.items())
