"""Becoming another database role, or a mightier one."""

from __future__ import annotations

from typing import Final

from tenants.isolation.areas.neighbours import sweep
from tenants.isolation.attempt import Attempt, nothing, refused

_OURS: Final = ("bulkhead_owner", "bulkhead_provisioner", "bulkhead_web", "bulkhead_worker")
_PREDEFINED: Final = ("pg_read_all_data", "pg_execute_server_program")


_ATTRIBUTES: Final = (
    "SELECT nullif(concat_ws(', ', CASE WHEN rolsuper THEN 'superuser' END, "
    "CASE WHEN rolcreaterole THEN 'create roles' END, CASE WHEN rolcreatedb THEN 'create databases' END, "
    "CASE WHEN rolreplication THEN 'replicate' END, CASE WHEN rolbypassrls THEN 'bypass row security' END, "
    "CASE WHEN rolconnlimit < 0 THEN 'unlimited connections' END), '') FROM pg_roles WHERE rolname = '{own}'"
)

ATTEMPTS: Final[tuple[Attempt, ...]] = (
    *refused(
        "roles",
        (
            ("set.other", "Become a neighbour's role", "SET LOCAL ROLE {other}"),
            *((f"set.{role}", f"Become the role {role}", f"SET LOCAL ROLE {role}") for role in (*_OURS, *_PREDEFINED)),
            ("config", "Become a neighbour by a setting", "SELECT set_config('role', '{other}', true)"),
            ("authorization", "Begin a neighbour's session", "SET LOCAL SESSION AUTHORIZATION {other}"),
            (
                "authorization_config",
                "Begin the provisioner's session by a setting",
                "SELECT set_config('session_authorization', 'bulkhead_provisioner', true)",
            ),
            (
                "reset",
                "Take on the role that a connection began with, then look at a neighbour",
                "RESET ROLE; SELECT FROM {other}.repositories",
            ),
            (
                "reset_authorization",
                "Take on the user that a connection began with, then look at the registry",
                "RESET SESSION AUTHORIZATION; SELECT FROM registry.people",
            ),
            ("join", "Make oneself a member of a neighbour's role", "GRANT {other} TO {own}"),
            ("join_web", "Make oneself a member of the web server's role", "GRANT bulkhead_web TO {own}"),
            ("join_all", "Give oneself the right to read everything", "GRANT pg_read_all_data TO {own}"),
            ("grant", "Grant oneself a neighbour's tables", "GRANT SELECT ON ALL TABLES IN SCHEMA {other} TO {own}"),
            ("grant_schema", "Grant oneself a neighbour's schema", "GRANT USAGE ON SCHEMA {other} TO {own}"),
            ("create", "Create a role", "CREATE ROLE isolation_proof"),
            ("password", "Change a neighbour's password", "ALTER ROLE {other} PASSWORD NULL"),
            ("settings", "Change a neighbour's settings", "ALTER ROLE {other} SET statement_timeout = 1"),
            ("settings_all", "Change everybody's settings", "ALTER ROLE ALL SET statement_timeout = 1"),
            ("superuser", "Make oneself a superuser", "ALTER ROLE {own} SUPERUSER"),
            ("createrole", "Let oneself create roles", "ALTER ROLE {own} CREATEROLE"),
            ("createdb", "Let oneself create databases", "ALTER ROLE {own} CREATEDB"),
            ("bypassrls", "Let oneself pass row level security", "ALTER ROLE {own} BYPASSRLS"),
            ("replication", "Let oneself replicate", "ALTER ROLE {own} REPLICATION"),
            ("limit", "Lift one's own limit of connections", "ALTER ROLE {own} CONNECTION LIMIT -1"),
            ("valid", "Prolong one's own password", "ALTER ROLE {own} VALID UNTIL 'infinity'"),
            (
                "defaults",
                "Change what others' new tables grant",
                "ALTER DEFAULT PRIVILEGES FOR ROLE {other} GRANT SELECT ON TABLES TO {own}",
            ),
            ("reassign", "Take over what a neighbour owns", "REASSIGN OWNED BY bulkhead_provisioner TO {own}"),
        ),
    ),
    # Whoever may drop it is told what depends on it.
    Attempt("roles.drop", "roles", "Drop a neighbour's role", "DROP ROLE {other}", beyond=frozenset({"2BP01"})),
    *nothing(
        "roles",
        (
            (
                "member",
                "Be a member of any other role",
                sweep("rolname", "pg_roles WHERE rolname <> '{own}' AND pg_has_role(oid, 'MEMBER')"),
            ),
            (
                "attributes",
                "Have a right that no tenant's role has",
                _ATTRIBUTES,
            ),
        ),
    ),
)
