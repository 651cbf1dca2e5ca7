"""What each database role may do to each registry table: declared here, put in force after every `migrate`.

Nothing is granted by default. The web's role can't write what only operations and provisioning write (tenants, their
state and keys); people and memberships it writes because customers sign in and manage their own members. A tenant's
role is not in this table at all: it has no right in the registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import connections, transaction
from psycopg import sql

WEB: Final = "bulkhead_web"
WORKER: Final = "bulkhead_worker"
PROVISIONER: Final = "bulkhead_provisioner"

_READ: Final = "SELECT"
_WRITE: Final = "SELECT, INSERT, UPDATE, DELETE"

GRANTS: Final[Mapping[str, Mapping[str, str]]] = {
    WEB: {
        "access_tokens": _WRITE,
        "certificates": _READ,
        "connections": "SELECT, INSERT, UPDATE",
        "device_grants": _WRITE,
        "displaced_sessions": _WRITE,
        "django_migrations": _READ,
        "drift_reports": _READ,
        "due": "SELECT, INSERT",
        "isolation_proofs": _READ,
        "join_requests": _WRITE,
        "memberships": _WRITE,
        "people": "SELECT, INSERT, UPDATE",
        "sealing_keys": _READ,
        "sessions": _WRITE,
        "sign_in_attempts": _WRITE,
        "tenant_keys": _READ,
        "tenant_limits": _READ,
        "tenant_requests": "SELECT, INSERT",
        "tenants": _READ,
    },
    WORKER: {
        "access_tokens": "SELECT, DELETE",
        "connections": _READ,
        "device_grants": "SELECT, DELETE",
        "displaced_sessions": "SELECT, DELETE",
        "django_migrations": _READ,
        "due": _WRITE,
        "isolation_proofs": _WRITE,
        "sealing_keys": _READ,
        "sessions": "SELECT, DELETE",
        "sign_in_attempts": "SELECT, DELETE",
        "tenant_limits": _READ,
        "tenants": _READ,
    },
    PROVISIONER: {
        "certificates": _READ,
        "django_migrations": _READ,
        "drift_reports": _WRITE,
        "memberships": "SELECT, INSERT",
        "people": "SELECT, INSERT",
        "sealing_keys": "SELECT, INSERT",
        "tenant_keys": "SELECT, INSERT, UPDATE",
        "tenant_requests": "SELECT, UPDATE",
        "tenants": "SELECT, INSERT, UPDATE",
    },
}


def apply_grants(using: str = "default", **_: Any) -> None:
    """Put the declared grants in force, and nothing besides (signal `post_migrate`)."""
    # One transaction: the web server, which serves on, has its rights before and after and never none.
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        tables = set(connections[using].introspection.table_names(cursor))
        for role, grants in GRANTS.items():
            name = sql.Identifier(role)
            cursor.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA registry FROM {}").format(name))
            for table in tables & grants.keys():
                statement = sql.SQL("GRANT {} ON registry.{} TO {}")
                cursor.execute(statement.format(sql.SQL(grants[table]), sql.Identifier(table), name))
