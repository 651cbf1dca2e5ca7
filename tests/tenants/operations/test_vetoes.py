"""A stolen database password of a tenant stops nothing that operators do to it: no lock, no speed, no password set."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from functools import partial
from select import select
from typing import Any

import psycopg
import pytest
from django.db import OperationalError
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import PollingStatus

from portal.demo.embedded import Stack
from tenants.actor import Actor
from tenants.certificates import notice
from tenants.compartment import Compartment
from tenants.databases import Entered, entered
from tenants.databases.base import close_compartments
from tenants.databases.current import role_password
from tenants.errors import Suspended
from tenants.operations import ReinstateTenant
from tenants.provisioning import eviction
from tenants.provisioning.passwords import campaign, rotate
from tenants.registry.models import Certificate, Tenant, TenantState
from tests.conftest import NEAR, NO_LIMITS, Household, as_own_role, at_once
from tests.tenants.operations.conftest import acts, apply, destroy, suspend

Thief = Callable[..., psycopg.Connection]
CHOSEN = "a password that the role gave itself"


@pytest.fixture
def thief(stack: Stack) -> Iterator[Thief]:
    """Connect as a tenant's role, without any limit of time."""
    opened = []

    def connect(house: Household, password: str = "") -> psycopg.Connection:
        given: dict[str, Any] = {"password": password} if password else {}
        connection = as_own_role(house.tenant, stack, autocommit=True, options=NO_LIMITS, **given)
        opened.append(connection)
        return connection  # of several threads each gets its own

    yield connect
    for connection in opened:
        connection.close()


class DrawnOut:
    """A login as a tenant's role with its password in force, from when PostgreSQL has asked for the proof."""

    def __init__(self, house: Household, stack: Stack) -> None:
        self.libpq = psycopg.pq.PGconn.connect_start(
            make_conninfo(
                host="127.0.0.1",
                port=stack.ports["postgresql"],
                dbname="bulkhead",
                user=house.tenant.schema,
                password=role_password(house.tenant.schema, 1),
                sslmode="disable",
                gssencmode="disable",
            ).encode()
        )
        for _ in range(2):  # the connection, and the name; what the server asks for is left unread
            self._step(self.libpq.connect_poll())

    def _step(self, said: int) -> None:
        readers, writers = ([self.libpq.socket], []) if said == PollingStatus.READING else ([], [self.libpq.socket])
        assert any(select(readers, writers, [], NEAR))

    def finish(self) -> str:
        """Go on to the end; return what the server said against it."""
        while (said := self.libpq.connect_poll()) not in {PollingStatus.OK, PollingStatus.FAILED}:
            self._step(said)
        refusal = self.libpq.get_error_message()
        self.libpq.finish()
        return refusal


def hold_the_log(connection: psycopg.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("INSERT INTO audit (entry) VALUES ('{}')")


def hold_the_role(connection: psycopg.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute(sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}").format(CHOSEN))


@contextmanager
def besieged(
    administrator: psycopg.Connection, thief: Thief, house: Household, *, statement: str, password: str = ""
) -> Iterator[None]:
    """Come in twelve times at once, and again as soon as a session is ended."""
    over, inside = threading.Event(), threading.Semaphore(0)

    def come() -> None:
        while not over.is_set():
            try:
                connection = thief(house, password)
                inside.release()
                connection.execute(statement)
            except psycopg.Error:
                time.sleep(0.001)

    threads = [threading.Thread(target=come) for _ in range(12)]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            assert inside.acquire(timeout=60)
        yield
    finally:
        over.set()
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
        while any(thread.is_alive() for thread in threads):
            administrator.execute(ended, [house.tenant.schema])
            threads[0].join(0.05)


def sessions(administrator: psycopg.Connection, house: Household) -> int:
    counted = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
    row = administrator.execute(counted, [house.tenant.schema]).fetchone()
    assert row is not None
    return int(row[0])


def gone(administrator: psycopg.Connection, house: Household) -> bool:
    """Sessions end a moment after they are told to."""
    deadline = time.monotonic() + 60
    while sessions(administrator, house) and time.monotonic() < deadline:
        time.sleep(0.01)
    return sessions(administrator, house) == 0


def closed(administrator: psycopg.Connection, house: Household) -> bool:
    may = "SELECT rolcanlogin FROM pg_roles WHERE rolname = %s"
    return administrator.execute(may, [house.tenant.schema]).fetchone() == (False,)


def state(house: Household) -> str:
    return Tenant.objects.get(id=house.tenant.id).state


@pytest.mark.parametrize("hold", [hold_the_log, hold_the_role])
def test_a_lock_does_not_stop_a_suspension(
    hold: Callable[[psycopg.Connection], None], household: Household, thief: Thief, administrator: psycopg.Connection
) -> None:
    hold(thief(household))
    suspend(household.tenant)
    assert state(household) == TenantState.SUSPENDED
    assert gone(administrator, household)
    for password in ("", CHOSEN):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            thief(household, password)
    assert acts(household.tenant)[-1]["action"] == "tenant.suspended"


def test_a_login_that_is_drawn_out_past_a_suspension_is_refused(
    household: Household, stack: Stack, administrator: psycopg.Connection
) -> None:
    """PostgreSQL has read the password that is to be proved; the proof comes when everything else is over, or waits."""
    login = DrawnOut(household, stack)
    with ThreadPoolExecutor(1) as threads:
        suspended = threads.submit(at_once, partial(suspend, household.tenant), times=1)
        while not (suspended.done() or closed(administrator, household)):
            time.sleep(0.01)
        wait([suspended], timeout=1)  # the longer, the surer that the test notices what does not wait
        assert "not permitted to log in" in login.finish()
        suspended.result(NEAR)
    assert state(household) == TenantState.SUSPENDED


@pytest.mark.parametrize("version", [1, 2], ids=["before", "as-it-began"])
def test_who_entered_before_a_suspension_and_connects_after_is_refused(household: Household, version: int) -> None:
    """The password changes as a suspension begins; the registry tells the new one, and for a moment no state yet."""
    close_compartments()
    with household.enter() as inside:
        suspend(household.tenant)
        token = entered.set(Entered(inside.alias, version))
        with pytest.raises(Suspended, match="contract"):
            notice(inside)
        entered.reset(token)


def test_a_tenant_reinstated_is_entered_as_before(household: Household) -> None:
    """Over connections that were open before and have been ended since, also where a transaction comes first."""
    for begin in (Compartment.transaction, nullcontext):
        with household.enter() as inside:
            assert notice(inside)
        suspend(household.tenant)
        apply(ReinstateTenant(household.slug, reason="All is well."))
        with household.enter() as inside, begin(inside):
            assert notice(inside)


HAMMER = """DO $$ BEGIN
    LOOP
        BEGIN EXECUTE 'ALTER ROLE CURRENT_USER PASSWORD ''{chosen}'''; EXCEPTION WHEN internal_error THEN NULL; END;
        COMMIT;
    END LOOP;
END $$""".format(chosen=CHOSEN)  # noqa: UP032 - braces all over
OCCUPY = "BEGIN; SELECT FROM repositories; INSERT INTO audit (entry) VALUES ('{}'); SELECT pg_sleep(600)"


@pytest.fixture
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave time to a dozen who log in at once: on a slow machine each may take long, and not on purpose."""
    monkeypatch.setattr(eviction, "PATIENCE_SECONDS", 60.0)


@pytest.mark.usefixtures("_unhurried")
@pytest.mark.parametrize("statement", [OCCUPY, HAMMER], ids=["locks", "passwords"])
def test_a_siege_stops_neither_suspension_nor_destruction(
    statement: str, household: Household, thief: Thief, administrator: psycopg.Connection
) -> None:
    with thief(household) as first:
        first.execute(sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}").format(CHOSEN))
    with besieged(administrator, thief, household, statement=statement, password=CHOSEN):
        suspend(household.tenant)
        assert gone(administrator, household)
        time.sleep(0.2)
        assert sessions(administrator, household) == 0
        destroy(household.tenant)
    assert Certificate.objects.filter(tenant_id=household.tenant.id).exists()


@pytest.mark.usefixtures("_unhurried")
def test_a_tenant_that_an_older_release_suspended_is_destroyed(
    household: Household, thief: Thief, administrator: psycopg.Connection
) -> None:
    """Its role has the password still that it had before."""
    administrator.execute("UPDATE registry.tenants SET state = 'suspended' WHERE id = %s", [household.tenant.id])
    with besieged(administrator, thief, household, statement=OCCUPY):
        destroy(household.tenant)
    assert Certificate.objects.filter(tenant_id=household.tenant.id).exists()


@pytest.mark.parametrize("hold", [hold_the_log, hold_the_role])
def test_a_lock_does_not_stop_a_rotation(
    hold: Callable[[psycopg.Connection], None], household: Household, thief: Thief
) -> None:
    hold(thief(household))
    plan = campaign(slug=household.slug, using="provisioner")
    (outcome,) = rotate(iter(plan.tenants), plan.version, Actor.operator("test"), using="provisioner")
    assert (outcome.rotated, outcome.failure) == (True, "")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        thief(household)
    with household.enter():
        pass
    assert acts(household.tenant)[-1]["action"] == "tenant.password_rotated"


def test_whatever_stops_it_the_role_can_log_in_afterwards(
    household: Household, administrator: psycopg.Connection
) -> None:
    """Somebody else holds the tenant's row: nothing is suspended, and the portal serves on."""
    with administrator.transaction():
        administrator.execute("SELECT FROM registry.tenants WHERE id = %s FOR UPDATE", [household.tenant.id])
        with pytest.raises(OperationalError, match="a migration of its own"):
            suspend(household.tenant)
    assert state(household) == TenantState.ACTIVE
    with household.enter() as inside:
        assert notice(inside)
