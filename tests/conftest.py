"""What every test may ask for. Nothing is rolled back and nothing mocked: each test makes people and tenants anew."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Barrier
from typing import Any, Final, TypeVar

import hypothesis
import psycopg
import pytest
from django.conf import UserSettingsHolder, settings
from django.db import connections
from django.test.client import ClientHandler
from kombu import Connection
from kombu.pidbox import Mailbox
from psycopg.conninfo import make_conninfo
from pytest_django.plugin import DjangoDbBlocker

from portal.demo.embedded import Stack
from portal.demo.running import Portal
from tenants import compartment, delivery
from tenants.actor import Actor
from tenants.compartment import Compartment
from tenants.databases.base import close_compartments
from tenants.databases.current import role_password
from tenants.provisioning.provision import create_tenant
from tenants.registry.models import Membership, Person, Tenant
from tenants.roles import Role
from tests.servers import PORTAL, STACK

T = TypeVar("T")

NEAR: Final = 60.0  # seconds; longer than a test takes

# How long an example takes is the machine's affair; where it is the product's, a test says so itself.
hypothesis.settings.register_profile("bulkhead", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("bulkhead")


@pytest.fixture(scope="session", autouse=True)
def _database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database is the run's own: no test database is made beside it and nothing is rolled back."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="session", autouse=True)
def _middleware() -> Iterator[None]:
    """Load the portal's middleware once, as a server does: each of Django's clients would look at all files anew.

    Where a test changes settings, its clients load their own.
    """
    kept, load = ClientHandler(), ClientHandler.load_middleware

    def load_once(handler: ClientHandler, *, is_async: bool = False) -> None:
        if isinstance(settings._wrapped, UserSettingsHolder):  # type: ignore[misc]  # not in the stubs
            load(handler, is_async=is_async)
            return
        if kept._middleware_chain is None:  # type: ignore[attr-defined]  # not in the stubs
            load(kept)
        handler.__dict__.update({**kept.__dict__, "enforce_csrf_checks": handler.enforce_csrf_checks})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientHandler, "load_middleware", load_once)
        yield


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Stack:
    return request.config.stash[STACK]


@pytest.fixture(scope="session")
def portal(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Portal]:
    """The whole portal: web server, workers, beat and the sandbox identity provider."""
    with Portal(stack) as running:
        request.config.stash[PORTAL] = running
        yield running


@pytest.fixture
def no_worker(request: pytest.FixtureRequest, stack: Stack) -> Iterator[None]:
    """Keep the portal's worker, should it run by now, from doing what a test is about to do or to look at."""
    with without_worker(request, stack):
        yield


@contextmanager
def without_worker(request: pytest.FixtureRequest, stack: Stack) -> Iterator[None]:
    """The same for fixtures of a wider scope."""
    if PORTAL not in request.config.stash:
        yield
        return
    queue = {"queue": "default"}
    with Connection(stack.redis_url) as connection:
        box = Mailbox("celery", type="fanout", connection=connection, accept=["json"], serializer="json")
        ask = partial(_answered, box)
        try:
            ask("cancel_consumer", queue)
            while any(tasks for kind in ("reserved", "active") for reply in ask(kind) for tasks in reply.values()):
                time.sleep(0.05)
            yield
        finally:
            ask("add_consumer", queue)


def _answered(box: Mailbox, command: str, arguments: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Tell the worker, until it answers: while it is busy, or connects anew, it may not hear."""
    for _ in range(6):
        if replies := box.call(["worker@bulkhead"], command, arguments, timeout=10):
            return list(replies)
    raise AssertionError(f"the worker does not answer {command}")


@pytest.fixture(scope="session")
def portal_url(portal: Portal) -> str:
    return portal.stack.base_url


@pytest.fixture(scope="session")
def identity_url(portal: Portal) -> str:
    return portal.stack.identity_url


@pytest.fixture
def administrator(stack: Stack) -> Iterator[psycopg.Connection]:
    """The database server's superuser, who sees what no process of the portal sees."""
    parts = make_conninfo(**{**stack.administrator(), "dbname": "bulkhead"})
    with psycopg.connect(parts, autocommit=True) as connection:
        yield connection


NO_LIMITS: Final = "-c lock_timeout=0 -c statement_timeout=0 -c idle_in_transaction_session_timeout=0"


def as_own_role(tenant: Tenant, stack: Stack, *, version: int = 1, **parts: Any) -> psycopg.Connection:
    """Log in as a tenant's own role, with that version of its password; `parts` are libpq's, and count for more."""
    parts = {"password": role_password(tenant.schema, version), **parts}
    return psycopg.connect(
        host="127.0.0.1", port=stack.ports["postgresql"], dbname="bulkhead", user=tenant.schema, **parts
    )


@contextmanager
def acting_as(process: str) -> Iterator[None]:
    """Let this thread's registry queries run with another process's database role: worker, provisioner or owner."""
    web = connections["default"]
    connections["default"] = connections[process]
    try:
        yield
    finally:
        connections["default"] = web


def at_once(work: Callable[[], T], *, times: int) -> list[T]:
    """Return what `work` returned in as many threads that begin together, each with connections of its own."""
    start = Barrier(times)

    def run(_: int) -> T:
        start.wait(60)
        try:
            return work()
        finally:
            close_compartments()
            connections.close_all()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(run, range(times)))


@pytest.fixture
def no_backlog(administrator: psycopg.Connection) -> None:
    """Put off what earlier tests left to be done: it is older, so it comes first, and may take longer than a test has.

    Each tenant's first act makes some work, due minutes later. What this test's own fixtures made is younger than that.
    """
    administrator.execute(
        """UPDATE registry.due SET due_at = now() + interval '1 hour' WHERE id IN (
            SELECT id FROM registry.due
            WHERE created_at < now() - interval '1 min' AND due_at < now() + interval '2 min'
            FOR UPDATE SKIP LOCKED  -- what the worker is about to do is not waited for, nor does it wait
        )"""
    )


@pytest.fixture
def one_day() -> None:
    """Begin when no midnight (UTC) is near: what is counted and dated by days is then of one day."""
    left = 86_400 - time.time() % 86_400
    if left < NEAR:
        time.sleep(left + 1)


@pytest.fixture
def sweep(no_worker: None, no_backlog: None) -> Callable[[], int]:
    """Do what is due, with the worker's rights; nobody else does."""

    def sweep() -> int:
        with acting_as("worker"):
            return delivery.sweep()

    return sweep


NewPerson = Callable[..., Person]
NewTenant = Callable[..., "Household"]


@pytest.fixture(scope="session")
def new_person() -> NewPerson:
    """Make a person who has signed in before."""

    def make(login: str = "somebody") -> Person:
        uid = str(uuid.uuid4().int % 10**12)
        return Person.objects.create(provider="github", uid=uid, login=login, email=f"{uid}@example.org")

    return make


@dataclass(frozen=True)
class Household:
    """A tenant of the tests, its owner, and ways into it."""

    tenant: Tenant
    owner: Person

    @property
    def slug(self) -> str:
        return self.tenant.slug

    def actor(self, person: Person | None = None) -> Actor:
        who = person or self.owner
        return Actor.person(who.id, str(who), address="192.0.2.1")

    def enter(self, person: Person | None = None) -> AbstractContextManager[Compartment]:
        return compartment.enter(self.slug, self.actor(person))

    def join(self, person: Person, role: Role = Role.MEMBER) -> Person:
        Membership.objects.create(tenant=self.tenant, person=person, role=role)
        return person


@pytest.fixture(scope="session")
def new_tenant(new_person: NewPerson) -> NewTenant:
    """Make a tenant as the provisioner does, with an owner."""

    def make(owner: Person | None = None, *, name: str = "Tenant") -> Household:
        owner = owner or new_person("owner")
        tenant = create_tenant(
            tenant_id=uuid.uuid4(),
            slug=f"t{uuid.uuid4().hex[:16]}",
            name=name,
            owner_id=owner.id,
            actor=Actor.system("provisioning"),
            using="provisioner",
        )
        return Household(tenant, owner)

    return make


@pytest.fixture
def household(new_tenant: NewTenant) -> Household:
    return new_tenant()


@pytest.fixture
def neighbour(new_tenant: NewTenant) -> Household:
    """Another tenant, whose owner is nobody in the first."""
    return new_tenant()
