"""The two sides on one server: how each makes tenants and migrates them all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.benchmarks.scale.contestant import Contestant, manage, timed
from tests.benchmarks.scale.ground import PACKAGE, Ground

TEMPLATE: Final = "template"
EXECUTORS: Final = ("standard", "multiprocessing")


class Ours:
    def __init__(self, at: Ground, provisioner: Contestant) -> None:
        self._at, self._provisioner = at, provisioner
        self.tenants = 0

    def create(self, count: int = 1) -> float:
        """Make tenants; return the seconds that the last took."""
        seconds: list[float] = self._provisioner.ask("create", count=count, owner=self._at.owner)
        self.tenants += count
        return seconds[-1]

    def grow(self, size: int) -> None:
        if size > self.tenants:
            self.create(size - self.tenants)

    def migrate(self) -> float:
        """Bring every tenant up to date as an operator does; return the seconds, start of Django included."""
        return timed(lambda: manage(self._at.environment("owner"), "migrate_tenants"))


class Theirs:
    """django-tenants: a database of its own on the server, and a template schema made by its migrations."""

    def __init__(self, environment: dict[str, str], contestant: Contestant) -> None:
        self._environment, self._contestant = environment, contestant
        contestant.ask("create_named", schema=TEMPLATE)
        self.tenants = 1

    def create(self, count: int = 1) -> float:
        return self._create(count, TEMPLATE)

    def create_by_migrations(self) -> float:
        return self._create(1, "")

    def _create(self, count: int, template: str) -> float:
        seconds: list[float] = self._contestant.ask("create", count=count, template=template)
        self.tenants += count
        return seconds[-1]

    def grow(self, size: int) -> None:
        if size > self.tenants:
            self.create(size - self.tenants)

    def migrate(self, executor: str) -> float:
        command = ["migrate_schemas", "--tenant", "--noinput", f"--executor={executor}", "-v", "0"]
        return timed(lambda: manage(self._environment, *command))


@contextmanager
def our_side(at: Ground) -> Iterator[Ours]:
    with at.contestant("provisioner") as provisioner:
        yield Ours(at, provisioner)


@contextmanager
def their_side(at: Ground) -> Iterator[Theirs]:
    with at.administrator() as connection:
        connection.execute("CREATE DATABASE peer")
    environment = at.environment_of("peer", "peer")
    manage(environment, "migrate_schemas", "--shared", "--run-syncdb", "--noinput", "-v", "0")
    with Contestant(f"{PACKAGE}.peer", environment) as contestant:
        yield Theirs(environment, contestant)
