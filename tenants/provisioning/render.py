"""Render the records' migrations: each once, into statements that are right for every tenant.

A migration asks the database what constraints and indexes are called, and builds on those before it. So they are
rehearsed: all are run in an empty schema of their own, in a transaction that is rolled back, as they are rendered.
Whatever is wrong with the SQL itself shows here, before any tenant is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.state import ProjectState, StateApps

from tenants.databases.router import RECORDS, rendering
from tenants.provisioning.fitness import is_python, judge, judge_statement, python_of
from tenants.provisioning.line import Line, UnfitMigrationError

SCRIPT: Final = Path(__file__).with_name("schema.sql")

_HEADER: Final = """\
-- version: {version}
-- Rendered from tenants/records/migrations by `manage.py render_schema`; never edited by hand.
-- Run by tenants/provisioning/provision.py with the search path set to the new schema.
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One migration, ready for any tenant that has the one before it: statements, or code for inside a compartment."""

    name: str
    statements: tuple[str, ...] = ()
    new_tables: bool = False  # then the tenant's role needs its rights anew
    code: tuple[Callable[[Any, Any], None], ...] = ()
    apps: StateApps | None = field(default=None, repr=False)


def rendered(using: str = "default") -> str:
    """Return the script that makes a tenant's schema; its first line names the migration that it ends with."""
    line = Line()
    body = "\n".join(statement for step in rehearse(line, using=using) for statement in step.statements)
    return f"{_HEADER.format(version=line.leaf)}{body.strip()}\n"


def rehearse(line: Line, *, after: str | None = None, using: str = "default") -> list[Step]:
    """Return a step for each migration after `after` (all without). `using` is the provisioner's or the owner's.

    Raises UnfitMigrationError for a migration that can't be brought to tenants, or whose SQL does not run.
    """
    wanted = line.names if after is None else line.after(after)
    for migration in line.migrations:
        judge(migration)
    steps = []
    with _scratch(connections[using]) as rehearsal:
        state = line.loader.project_state((RECORDS, line.names[0]), at_end=False)
        for migration in line.migrations:
            step = rehearsal.step(migration, state, wanted=migration.name in wanted)
            if migration.name in wanted:
                steps.append(step)
    return steps


@contextmanager
def _scratch(connection: BaseDatabaseWrapper) -> Iterator[_Rehearsal]:
    token = rendering.set(True)
    try:
        with transaction.atomic(using=connection.alias):
            yield _Rehearsal(connection)
            transaction.set_rollback(True, using=connection.alias)
    finally:
        rendering.reset(token)


class _Rehearsal:
    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._schema = f"rehearsal_{uuid4().hex[:16]}"
        self._tables: list[int] = []
        with connection.cursor() as cursor:
            cursor.execute(
                f"SET LOCAL ROLE bulkhead_provisioner; CREATE SCHEMA {self._schema};"
                f"SET LOCAL search_path = {self._schema}, pg_temp"
            )
            cursor.execute("SELECT pg_current_xact_id()::text")
            self._transaction: str = (cursor.fetchone() or ("",))[0]

    def step(self, migration: Migration, state: ProjectState, *, wanted: bool) -> Step:
        """Run one migration here; `state` becomes what it leaves behind."""
        if is_python(migration):
            # Models of its own: later migrations change those of `state` in place.
            models = {key: model.clone() for key, model in state.models.items()}
            apps = ProjectState(models, state.real_apps).apps if wanted else None
            migration.mutate_state(state, preserve=False)
            return Step(migration.name, code=tuple(python_of(migration)), apps=apps)
        statements = self._run(migration, state)
        before, self._tables = self._tables, self._list_tables()
        return Step(migration.name, tuple(statements), new_tables=not set(self._tables) <= set(before))

    def _run(self, migration: Migration, state: ProjectState) -> list[str]:
        statements: list[str] = []
        # The transaction is the rehearsal's: the editor is to make no savepoints.
        editor = self._connection.schema_editor(collect_sql=True, atomic=False)
        with editor:
            for operation in migration.operations:
                before = state.clone()
                operation.state_forwards(RECORDS, state)
                operation.database_forwards(RECORDS, editor, before, state)
                # What follows in this migration may ask for what this operation made.
                statements += self._execute(migration, editor.collected_sql[len(statements) :])
        return statements + self._execute(migration, editor.collected_sql[len(statements) :])  # what was deferred

    def _execute(self, migration: Migration, statements: list[str]) -> list[str]:
        with self._connection.cursor() as cursor:
            for statement in statements:
                judge_statement(migration.name, statement)
                try:
                    cursor.execute(statement)
                except DatabaseError as error:
                    raise UnfitMigrationError(f"{migration.name} does not run: {statement.strip()}\n{error}") from error
                self._require_same_transaction(migration, statement, cursor)
        return statements

    def _require_same_transaction(self, migration: Migration, statement: str, cursor: Any) -> None:
        """Whatever the statement's spelling, the transaction that it ran in has to be the one that goes on."""
        cursor.execute("SELECT pg_current_xact_id()::text")
        if cursor.fetchone() != (self._transaction,):
            self._connection.close()
            raise UnfitMigrationError(f"{migration.name} ends the transaction it runs in: {statement.strip()}")

    def _list_tables(self) -> list[int]:
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT oid FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'p', 'v', 'm')",
                [self._schema],
            )
            return [oid for (oid,) in cursor.fetchall()]
