"""Bring a migration of statements to one tenant: one transaction, one round trip."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import psycopg
from psycopg import sql

from tenants.actor import Actor
from tenants.provisioning.render import Step
from tenants.provisioning.rights import rights
from tenants.records.audit import entry
from tenants.rollout.behind import Target
from tenants.rollout.outcome import MOVED, StepError, step_error

ACTOR: Final = Actor.operator("migrate_tenants")

_BRIEF: Final = 100  # milliseconds

# The version first: whoever else would move this tenant waits for its row, and then finds it moved.
_BEGIN: Final = """
SET LOCAL ROLE bulkhead_provisioner;
SET LOCAL search_path = {schema}, pg_temp;
SET LOCAL lock_timeout = {lock};
SET LOCAL statement_timeout = {statement};
DO {advance};
"""
_ADVANCE: Final = """
BEGIN
    UPDATE registry.tenants SET schema_version = {to}, schema_failure = ''
        WHERE id = {tenant}::uuid AND schema_version = {version};
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not at this version any more' USING ERRCODE = {moved};
    END IF;
END
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a migration waits for a lock, and how long one of its statements runs, in milliseconds."""

    lock: int = 2_000
    statement: int = 60_000


def migrated(name: str) -> str:
    """Return the entry in a tenant's log that says it has the migration."""
    return entry(ACTOR, "schema.migrated", name, {})


def apply_statements(step: Step, target: Target, version: str, limits: Limits, connection: psycopg.Connection) -> None:
    """Take the tenant from `version` to the step's. Raises StepError, BusyError and MovedError, and leaves nothing."""
    begin, body, end = _script(step, target, version, limits, connection)
    try:
        connection.execute("\n".join(["BEGIN;", begin, *body, end, "COMMIT;"]).encode())
    except psycopg.errors.QueryCanceled as error:  # took too long: once more would take as long
        connection.rollback()
        raise step_error(step.name, "", error) from error
    except psycopg.Error as error:
        if connection.closed:
            raise StepError(step.name, "", f"the connection was lost: {str(error).strip()}") from error
        connection.rollback()
        # The error of a script doesn't say which statement it is from: once more, a statement at a time. Whoever
        # waited for a lock in vain waits no longer for that.
        brief = replace(limits, lock=min(limits.lock, _BRIEF))
        begin, body, end = _script(step, target, version, brief, connection)
        _one_by_one(step, begin, [*body, end], connection)


def _one_by_one(step: Step, begin: str, statements: list[str], connection: psycopg.Connection) -> None:
    statement = ""
    try:
        with connection.transaction():
            connection.execute(begin.encode())
            for statement in statements:
                connection.execute(statement.encode())
            statement = "COMMIT"
    except psycopg.Error as error:
        raise step_error(step.name, statement, error) from error


def _script(
    step: Step, target: Target, version: str, limits: Limits, connection: psycopg.Connection
) -> tuple[str, list[str], str]:
    advance = sql.SQL(_ADVANCE).format(
        to=sql.Literal(step.name),
        tenant=sql.Literal(str(target.id)),
        version=sql.Literal(version),
        moved=sql.Literal(MOVED),
    )
    begin = sql.SQL(_BEGIN).format(
        schema=sql.Identifier(target.schema),
        lock=sql.Literal(limits.lock),
        statement=sql.Literal(limits.statement),
        advance=sql.Literal(advance.as_string(connection)),
    )
    granted: list[sql.Composable] = [rights(target.schema)] if step.new_tables else []
    logged = sql.SQL("INSERT INTO audit (entry) VALUES ({});").format(sql.Literal(migrated(step.name)))
    end = sql.SQL("\n").join([*granted, logged])
    return begin.as_string(connection), list(step.statements), end.as_string(connection)


def driver_connection(wrapper: Any) -> psycopg.Connection:
    """Return psycopg's connection beneath one of Django's, opened if it isn't."""
    wrapper.ensure_connection()
    connection: psycopg.Connection = wrapper.connection
    return connection
