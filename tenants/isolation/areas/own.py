"""The tenant's own compartment: it has to open, and nothing of its making can be put into it."""

from __future__ import annotations

from typing import Final

from tenants.isolation.attempt import Attempt, Expect, nothing, refused

_WORKS: Final = (
    ("role", "Be nobody else than the tenant's own database role", "SELECT 1 / (session_user = '{own}')::int"),
    ("read", "Read the tenant's own repositories", "SELECT FROM {own}.repositories"),
    ("write", "Change the tenant's own repositories", "DELETE FROM {own}.repositories WHERE false"),
    ("log", "Add to the tenant's own audit log", "INSERT INTO {own}.audit (entry) VALUES ('{{}}')"),
)

ATTEMPTS: Final = tuple(Attempt(f"own.{key}", "own", words, sql, Expect.WORKS) for key, words, sql in _WORKS)

_TRIGGER: Final = (
    "CREATE TRIGGER isolation_proof BEFORE INSERT ON {own}.repositories "
    "FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
)
_DELEGATE: Final = (
    "SELECT string_agg(c.oid::regclass::text, ', ') FROM pg_class c WHERE relnamespace = '{own}'::regnamespace "
    "AND relkind IN ('r', 'v', 'm', 'p', 'f') AND has_table_privilege(c.oid, 'SELECT WITH GRANT OPTION, "
    "INSERT WITH GRANT OPTION, UPDATE WITH GRANT OPTION, DELETE WITH GRANT OPTION')"
)
_DEFINER: Final = (
    "SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc "
    "WHERE prosecdef AND has_function_privilege(oid, 'EXECUTE')"
)
_DEFINER_PATH: Final = (
    "SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p WHERE prosecdef AND NOT EXISTS "
    "(SELECT FROM unnest(proconfig) setting WHERE setting LIKE 'search\\_path=%' AND setting NOT LIKE '%$user%')"
)

STRUCTURE: Final = (
    *refused(
        "structure",
        (
            ("table", "Create a table in the own schema", "CREATE TABLE {own}.isolation_proof ()"),
            ("view", "Create a view in the own schema", "CREATE VIEW {own}.isolation_proof AS SELECT 1"),
            (
                "function",
                "Create a function in the own schema",
                "CREATE FUNCTION {own}.isolation_proof() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            ),
            ("type", "Create a type in the own schema", "CREATE TYPE {own}.isolation_proof AS ENUM ()"),
            ("temporary", "Create a temporary table", "CREATE TEMPORARY TABLE isolation_proof ()"),
            ("temporary_view", "Create a temporary view", "CREATE TEMPORARY VIEW isolation_proof AS SELECT 1"),
            ("schema", "Create a schema", "CREATE SCHEMA isolation_proof"),
            ("public", "Create a table in the schema public", "CREATE TABLE public.isolation_proof ()"),
            (
                "shadow",
                "Create an operator or function that shadows one of PostgreSQL's own",
                "CREATE FUNCTION pg_catalog.isolation_proof() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            ),
            ("alter", "Change the structure of an own table", "ALTER TABLE {own}.repositories ADD isolation_proof int"),
            ("drop", "Drop an own table", "DROP TABLE {own}.received_contents"),
            ("drop_schema", "Drop the own schema", "DROP SCHEMA {own} CASCADE"),
            ("own", "Give an own table to another role", "ALTER TABLE {own}.repositories OWNER TO {own}"),
            ("trigger", "Put a trigger on an own table", _TRIGGER),
            (
                "rule",
                "Put a rule on an own table",
                "CREATE RULE isolation_proof AS ON INSERT TO {own}.repositories DO NOTHING",
            ),
            ("truncate", "Empty an own table past its triggers", "TRUNCATE {own}.received_contents"),
        ),
    ),
    # Whoever may call it is told that a trigger function isn't called so.
    Attempt(
        "structure.chain",
        "structure",
        "Call the function that chains the audit log",
        "SELECT {own}.audit_chain()",
        beyond=frozenset({"0A000"}),
    ),
    *nothing(
        "structure",
        (
            ("pass_on", "Pass rights on own tables on to somebody else", _DELEGATE),
            ("definer", "Call a function that runs with its owner's rights, in any schema", _DEFINER),
            ("definer_path", "Mislead a function that runs with its owner's rights by the search path", _DEFINER_PATH),
        ),
    ),
)
