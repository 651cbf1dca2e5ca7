"""What every role on a PostgreSQL server can do, whatever is revoked, and what limits the harm."""

from __future__ import annotations

from typing import Final

from tenants.isolation.attempt import Attempt, Expect

_NAMES: Final = (
    "Schemas and roles have random names, which say nothing about a customer; each proof looks that they do."
)

_KNOWN: Final = (
    (
        "schemas",
        "See the names of all schemas, and so how many tenants there are",
        "SELECT 1 / count(*) FROM pg_namespace WHERE nspname <> '{own}'",
        _NAMES,
    ),
    ("roles", "See the names of all roles", "SELECT 1 / count(*) FROM pg_roles WHERE rolname <> '{own}'", _NAMES),
    (
        "tables",
        "See the structure of all tables, and PostgreSQL's estimate of how many rows each has",
        "SELECT relname, reltuples, relpages FROM pg_class LIMIT 1",
        "The structure is every tenant's and public. The estimates are rough and old; counts and sizes are closed.",
    ),
    (
        "sessions",
        "See how many sessions there are, of which roles and programs",
        "SELECT 1 / count(*) FROM pg_stat_activity WHERE usename <> '{own}'",
        "All programs are the portal's. What they ask, from where and since when is hidden.",
    ),
    (
        "settings",
        "See the settings of roles",
        "SELECT FROM pg_db_role_setting",
        "They are time limits and search paths, the same for every tenant but for the schema's name.",
    ),
    (
        "totals",
        "See totals of the whole database: its size, its transactions",
        "SELECT xact_commit FROM pg_stat_database",
        "They add up all tenants and the portal itself.",
    ),
    (
        "notify",
        "Send and hear messages by the commands NOTIFY and LISTEN",
        "LISTEN isolation_proof; NOTIFY isolation_proof; UNLISTEN isolation_proof",
        "The portal sends none and listens to none, so nothing is heard unless two tenants both want it.",
    ),
    (
        "password",
        "Change the own role's password",
        "ALTER ROLE {own} PASSWORD NULL",
        "It locks out that tenant alone; the next proof says so, and rotating passwords puts it right.",
    ),
    (
        "own_settings",
        "Change the own role's settings and time limits",
        "ALTER ROLE {own} SET statement_timeout = 0",
        "They are that tenant's own. How many connections it may have is not among them.",
    ),
    (
        "blocks",
        "Run blocks of code (DO)",
        "DO 'BEGIN PERFORM 1; END'",
        "They run with the tenant's own rights: every attempt on this page is made from inside such a block.",
    ),
    (
        "listening",
        "See which transactions await their second phase",
        "SELECT FROM pg_prepared_xacts",
        "The portal prepares none, and a server has them switched off unless told otherwise.",
    ),
)

ATTEMPTS: Final = tuple(
    Attempt(f"known.{key}", "known", words, sql, Expect.KNOWN, bearable=bearable)
    for key, words, sql, bearable in _KNOWN
)
