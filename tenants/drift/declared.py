"""What deploy/database/roles.sql makes, which a database administrator runs once, as data to compare with.

A tenant's role is declared in tenants/provisioning/role.py, rights in the registry in tenants/registry/grants.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tenants.provisioning.role import ATTRIBUTES

OWNER: Final = "bulkhead_owner"
PROVISIONER: Final = "bulkhead_provisioner"
WEB: Final = "bulkhead_web"
WORKER: Final = "bulkhead_worker"

OLDEST_SERVER: Final = 16  # major version: REVOKE … GRANTED BY and memberships without SET came with it
EXTENSIONS: Final = frozenset({"plpgsql"})

_PLAIN: Final = {**ATTRIBUTES, "rolinherit": True, "rolconnlimit": -1}
ROLES: Final[Mapping[str, Mapping[str, bool | int]]] = {
    OWNER: {**_PLAIN, "rolinherit": False},
    PROVISIONER: {**_PLAIN, "rolcreaterole": True},
    WEB: _PLAIN,
    WORKER: _PLAIN,
}
ROLE_SETTINGS: Final[Mapping[str, str]] = {"search_path": "registry"}

# (role, member) → options. The owner may act as the provisioner, never the other way round.
MEMBERSHIPS: Final[Mapping[tuple[str, str], str]] = {(PROVISIONER, OWNER): "SET"}
# What PostgreSQL itself gives whoever makes a role with CREATEROLE.
TENANT_MEMBER: Final = (PROVISIONER, "ADMIN")

# (kind, name) → grantee → privileges, beside the owner's own.
OBJECTS: Final[Mapping[tuple[str, str], Mapping[str, frozenset[str]]]] = {
    ("SCHEMA", "public"): {},
    ("SCHEMA", "registry"): {role: frozenset({"USAGE"}) for role in (PROVISIONER, WEB, WORKER)},
    ("DATABASE", "bulkhead"): {"PUBLIC": frozenset({"CONNECT"}), PROVISIONER: frozenset({"CREATE"})},
    ("DATABASE", "postgres"): {},
    ("DATABASE", "template1"): {},
}

FOREIGN: Final = frozenset({("DATABASE", "postgres"), ("DATABASE", "template1")})

# (role, kind of pg_default_acl) → grantee → privileges: for all schemas. There are none for a single schema.
DEFAULT_PRIVILEGES: Final[Mapping[tuple[str, str], Mapping[str, frozenset[str]]]] = {
    (OWNER, "f"): {OWNER: frozenset({"EXECUTE"})},
    (PROVISIONER, "f"): {PROVISIONER: frozenset({"EXECUTE"})},
}

# Conditions on pg_proc and pg_class: what PUBLIC may not do though PostgreSQL lets it, in the schema pg_catalog.
SHARED_FUNCTIONS: Final = "proname ~ '^(lo_|loread$|lowrite$|pg_(try_)?advisory_|pg_notify$|pg_logical_emit_message$)'"
COUNTING_FUNCTIONS: Final = """(
    (proname ~ '^pg_stat_get_' AND proname !~ '^pg_stat_get_(db|subscription)_' AND proargtypes = '26')
    OR proname ~ '^pg_((total_)?relation_size|table_size|indexes_size|lock_status|stat_have_stats)$'
    OR proname ~ '^pg_(available_wal_summaries|wal_summary_contents|last_committed_xact)$')"""
COUNTING_VIEWS: Final = "(relkind = 'v' AND relname ~ '^pg_(stat|statio)_(xact_)?(all|user|sys)_')"
# Who may call and read what counts, beside those who may anyway.
COUNTERS: Final = frozenset({OWNER, PROVISIONER, "pg_monitor"})
LOCKS: Final = frozenset({"pg_try_advisory_lock(bigint)", "pg_advisory_unlock(bigint)"})
LOCKERS: Final = frozenset({OWNER, PROVISIONER})
