"""Run a migration of Python for one tenant, inside its compartment, exactly once.

What it changes and the entry in the tenant's log are one transaction of the tenant's role; the version in the registry
is another's to write, and follows. A run that ended between the two finds the entry and writes the version alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from django.db import DatabaseError, connections
from psycopg import sql

from tenants.compartment import Compartment, enter_as_system
from tenants.errors import NotFound
from tenants.provisioning.render import Step
from tenants.records.audit import append
from tenants.registry.models import Tenant
from tenants.rollout.behind import Target
from tenants.rollout.outcome import BusyError, MovedError, StepError, step_error
from tenants.rollout.statements import ACTOR, Limits, migrated


def apply_code(step: Step, target: Target, version: str, limits: Limits, using: str) -> None:
    """Take the tenant from `version` to the step's. Raises StepError, BusyError and MovedError."""
    last = _LastStatement()
    try:
        with enter_as_system(target.id, ACTOR, suspended=True) as inside:
            _inside(step, inside, limits, last)
        here = Tenant.objects.using(using).filter(id=target.id, schema_version=version)
        moved = not here.update(schema_version=step.name, schema_failure="")
    except NotFound:
        raise MovedError from None
    except StepError:
        raise
    except DatabaseError as error:
        cause = error.__cause__
        if isinstance(cause, psycopg.Error):
            raise step_error(step.name, last.statement, cause) from error
        raise StepError(step.name, last.statement, str(error)) from error
    except Exception as error:  # a migration's own code may raise anything, and must not end the run in a traceback
        raise StepError(step.name, last.statement, f"{type(error).__name__}: {error}") from error
    if moved:
        raise MovedError


def _inside(step: Step, inside: Compartment, limits: Limits, last: _LastStatement) -> None:
    connection = connections[inside.alias]
    try:
        connection.ensure_connection()
    except DatabaseError as error:  # a role that can't log in is no evidence against the migration
        raise BusyError(step.name, "", f"no connection as the tenant's role: {error}".strip()) from error
    with connection.execute_wrapper(last), inside.transaction(durable=True), connection.cursor() as cursor:
        for setting, value in (("lock_timeout", limits.lock), ("statement_timeout", limits.statement)):
            cursor.execute(sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(setting), sql.Literal(value)))
        done = migrated(step.name, inside.alias)
        cursor.execute("SELECT EXISTS (SELECT FROM audit WHERE entry = %s)", [done])
        (is_done,) = cursor.fetchone() or (False,)
        if is_done:
            return
        with connection.schema_editor(atomic=False) as editor:
            for code in step.code:
                code(step.apps, editor)
        append(inside.alias, done)


class _LastStatement:
    """Remembers the statement that was run last: the one that an error is from."""

    def __init__(self) -> None:
        self.statement = ""

    def __call__(self, execute: Callable[..., Any], statement: Any, *rest: Any) -> Any:
        self.statement = str(statement)
        return execute(statement, *rest)
