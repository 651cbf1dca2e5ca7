"""What PostgreSQL keeps for administrators, and what it counts about everybody."""

from __future__ import annotations

from typing import Final

from tenants.isolation.areas.neighbours import sweep
from tenants.isolation.attempt import nothing, refused

_SECRETS: Final = (
    ("pg_authid", "the passwords' verifiers of all roles"),
    ("pg_shadow", "the passwords' verifiers of all users"),
    ("pg_user_mapping", "passwords for other servers"),
    ("pg_statistic", "samples of the values in everybody's columns"),
    ("pg_statistic_ext_data", "samples of combined values in everybody's columns"),
    ("pg_largeobject", "everybody's large objects"),
    ("pg_file_settings", "the server's configuration files"),
    ("pg_hba_file_rules", "who may connect from where"),
    ("pg_ident_file_mappings", "which system user is which role"),
    ("pg_shmem_allocations", "the server's memory"),
    ("pg_backend_memory_contexts", "the memory of a session"),
    ("pg_stat_all_tables", "how many rows each neighbour read and wrote"),
    ("pg_stat_user_indexes", "how often each neighbour's indexes were used"),
    ("pg_statio_all_tables", "how much each neighbour read from disk"),
)

# What initdb closed to everybody stays closed, whichever function or view it is.
_CLOSED: Final = (
    "NOT EXISTS (SELECT FROM aclexplode(i.initprivs) granted WHERE granted.grantee = 0) AND i.objsubid = 0 AND "
)

ATTEMPTS: Final = (
    *refused("catalogs", [(name, f"Read {words}", f"SELECT FROM pg_catalog.{name}") for name, words in _SECRETS]),
    *refused(
        "catalogs",
        (
            (
                "live_tuples",
                "Count the rows of a neighbour's table",
                "SELECT pg_stat_get_live_tuples(oid) FROM pg_class LIMIT 1",
            ),
            (
                "size",
                "Measure a neighbour's table",
                "SELECT pg_total_relation_size(oid) FROM pg_class LIMIT 1",
            ),
            ("subscription", "Read passwords of replication", "SELECT subconninfo FROM pg_subscription"),
            ("locks", "See who works on which table right now", "SELECT FROM pg_locks"),
        ),
    ),
    *nothing(
        "catalogs",
        (
            (
                "stats",
                "Read samples of the values in a neighbour's columns",
                sweep(
                    "schemaname || '.' || tablename",
                    "pg_stats WHERE schemaname = '{other}' AND tablename = 'audit'",
                ),
            ),
            (
                "mappings",
                "Read the options of connections to other servers",
                sweep("srvname", "pg_user_mappings WHERE umoptions IS NOT NULL"),
            ),
            (
                "functions",
                "Call any function that PostgreSQL keeps for administrators",
                sweep(
                    "p.oid::regprocedure::text",
                    "pg_proc p JOIN pg_init_privs i ON i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid "
                    f"WHERE {_CLOSED} has_function_privilege(p.oid, 'EXECUTE')",
                ),
            ),
            (
                "views",
                "Read any catalog that PostgreSQL keeps for administrators",
                sweep(
                    "c.oid::regclass::text",
                    "pg_class c JOIN pg_init_privs i ON i.classoid = 'pg_class'::regclass AND i.objoid = c.oid "
                    f"WHERE {_CLOSED} has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')",
                ),
            ),
            (
                "writable",
                "Write into any of PostgreSQL's own catalogs",
                sweep(
                    "c.oid::regclass::text",
                    "pg_class c WHERE c.relnamespace IN (11, 'information_schema'::regnamespace) "
                    "AND c.relname <> 'pg_settings' AND c.relkind IN ('r', 'v') "
                    "AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')",
                ),
            ),
        ),
    ),
)
