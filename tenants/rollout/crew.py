"""Threads that migrate tenants side by side, each over a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread

from django.db import Error, connections
from psycopg import sql

from tenants.databases.base import close_compartments
from tenants.provisioning.render import Step
from tenants.registry.models import Tenant
from tenants.rollout.behind import Target
from tenants.rollout.code import apply_code
from tenants.rollout.outcome import BusyError, MovedError, Outcome, Result, StepError
from tenants.rollout.statements import Limits, apply_statements, driver_connection

_FAILURE_LENGTH = 1000  # of the registry's column


@dataclass(slots=True)
class Crew:
    """`halted` makes everybody finish the tenant in hand and take no other; the first failure sets it."""

    jobs: int
    limits: Limits
    session: str  # the name that the server shows for the connections
    using: str = "default"  # the owner's or the provisioner's
    halted: Event = field(default_factory=Event)

    def migrate(self, targets: Sequence[Target], steps: Callable[[Target], list[Step]]) -> Iterator[Outcome]:
        """Yield what became of each tenant as it is known; those that a halt spared are left out."""
        waiting: SimpleQueue[Target] = SimpleQueue()
        outcomes: SimpleQueue[Outcome | None] = SimpleQueue()
        for target in targets:
            waiting.put(target)
        threads = [
            Thread(target=self._work, args=(waiting, outcomes, steps), daemon=True)
            for _ in range(min(self.jobs, len(targets)))
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in threads:
                yield from iter(outcomes.get, None)
        except BaseException:
            self.halted.set()
            raise
        finally:
            for thread in threads:
                thread.join()

    def _work(
        self,
        waiting: SimpleQueue[Target],
        outcomes: SimpleQueue[Outcome | None],
        steps: Callable[[Target], list[Step]],
    ) -> None:
        try:
            while not self.halted.is_set():
                outcomes.put(self._migrate(waiting.get_nowait(), steps))
        except Empty:
            pass
        finally:
            close_compartments()
            connections.close_all()
            outcomes.put(None)

    def _migrate(self, target: Target, steps: Callable[[Target], list[Step]]) -> Outcome:
        version, outcome = target.version, Outcome(target, Result.MIGRATED)
        try:
            for step in steps(target):
                self._apply(step, target, version)
                version = step.name
        except MovedError:
            return Outcome(target, Result.MOVED)
        except StepError as error:
            result = Result.BUSY if isinstance(error, BusyError) else Result.FAILED
            outcome = Outcome(target, result, error.migration, error.statement, error.reason)
        except Exception as error:  # noqa: BLE001 - a lost connection, or a bug: the run halts and says where
            outcome = Outcome(target, Result.FAILED, "", "", f"{type(error).__name__}: {error}")
        if outcome.result is Result.FAILED:
            self.halted.set()
        if outcome.result is not Result.MIGRATED:
            self._remember(outcome)
        return outcome

    def _apply(self, step: Step, target: Target, version: str) -> None:
        if step.code:
            apply_code(step, target, version, self.limits, self.using)
            return
        wrapper = connections[self.using]
        fresh = wrapper.connection is None
        connection = driver_connection(wrapper)
        if fresh:
            connection.execute(sql.SQL("SET application_name = {}").format(sql.Literal(self.session)))
        apply_statements(step, target, version, self.limits, connection)

    def _remember(self, outcome: Outcome) -> None:
        """Leave the reason in the registry, unless that is what can't be reached: the outcome is reported anyway."""
        told = f"{outcome.migration}: {outcome.reason} in: {outcome.statement}"[:_FAILURE_LENGTH]
        wrapper = connections[self.using]
        if wrapper.connection is not None and wrapper.connection.closed:
            wrapper.close()
        with suppress(Error):
            Tenant.objects.using(self.using).filter(id=outcome.target.id).update(schema_failure=told)
