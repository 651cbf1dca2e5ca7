"""Behind PgBouncer in transaction mode everything is as without it: roles, settings of roles, rotation, the wall."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from psycopg.conninfo import make_conninfo

from portal.demo.embedded import Stack
from portal.demo.ports import LOOPBACK
from tenants.actions import parameters, repositories
from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.databases import base
from tenants.databases.base import close_compartments
from tenants.databases.current import role_password
from tenants.provisioning import passwords
from tenants.records.models import Repository
from tests.conftest import Household, at_once
from tests.tenants.databases.pooler import Pooler, pooling
from tests.tenants.databases.test_rotation import rotate_now, rotate_under, visit
from tests.tenants.operations.conftest import suspend


@pytest.fixture(scope="module")
def pooler(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooler]:
    """Two server connections for each role, so that clients have to share."""
    server = {**stack.administrator(), "dbname": "bulkhead"}
    with (
        psycopg.connect(**server, autocommit=True) as administrator,  # type: ignore[arg-type]  # libpq's own parts
        pooling(stack, tmp_path_factory.mktemp("pooler"), administrator, default_pool_size=2) as running,
    ):
        yield running


@pytest.fixture
def through(pooler: Pooler, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pooler]:
    """Let this process's own connections go through the pooler."""
    _forget()
    # A refusal passes after as many logins as are under way, however long these take.
    for module in (base, passwords):
        monkeypatch.setattr(module, "_PATIENCE_SECONDS", 20.0)
    monkeypatch.setitem(settings.DATABASES["default"], "PORT", str(pooler.port))
    yield pooler
    _forget()


def _forget() -> None:
    close_compartments()
    connections["default"].close()


def query(house: Household, statement: str, *parameters: str | list[str]) -> list[tuple[Any, ...]]:
    with house.enter() as inside, connections[inside.alias].cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def test_a_tenants_role_logs_in_as_itself_with_its_own_settings(household: Household, through: Pooler) -> None:
    shown = "SELECT session_user, current_user, current_setting('search_path'), inet_server_port()"
    role = household.tenant.schema
    assert query(household, shown) == [(role, role, role, through.stack.ports["postgresql"])]
    names = ["TimeZone", "idle_in_transaction_session_timeout", "lock_timeout", "search_path", "statement_timeout"]
    found = query(household, "SELECT name, source FROM pg_settings WHERE name = ANY(%s)", names)
    # Settings of the role and of the database, and of nobody's session.
    assert dict(found) == {**dict.fromkeys(names, "database"), "search_path": "user"}


def test_clients_of_one_tenant_share_its_servers_and_nobody_elses(
    household: Household, neighbour: Household, through: Pooler
) -> None:
    houses = [household, neighbour]
    for house in houses:
        with house.enter():
            Repository.objects.create(name=house.slug, url="", labels=[])
    connected = Barrier(12)

    def work(number: int) -> set[str]:
        house, names = houses[number % 2], set[str]()
        try:
            for turn in range(10):
                with house.enter() as inside, inside.transaction():
                    names |= set(Repository.objects.values_list("name", flat=True))
                if turn == 0:
                    connected.wait(60)
        finally:
            close_compartments()
            connections.close_all()
        return names

    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(work, range(12)))
    assert found == [{house.slug} for house in houses] * 6
    roles = {house.tenant.schema for house in houses}
    servers = [row["user"] for row in through.command("SHOW SERVERS") if row["user"] in roles]
    assert 0 < len(servers) <= 4  # for twelve clients


def test_no_statement_is_prepared(household: Household, through: Pooler) -> None:
    for _ in range(10):  # psycopg would prepare what it sees for the sixth time
        visit(household)
    assert query(household, "SELECT count(*) FROM pg_prepared_statements") == [(0,)]


def test_what_a_session_sets_stays_with_its_own_tenant(
    household: Household, neighbour: Household, through: Pooler
) -> None:
    query(household, "SELECT set_config('search_path', %s, false)", neighbour.tenant.schema)
    assert query(neighbour, "SELECT current_schema()") == [(neighbour.tenant.schema,)]
    with pytest.raises(Exception, match="permission denied"):
        query(household, f"TABLE {neighbour.tenant.schema}.repositories")


def test_a_wrong_password_is_refused_and_so_is_who_has_no_business_here(household: Household, pooler: Pooler) -> None:
    attempts = [
        (household.tenant.schema, "wrong"),
        (household.tenant.schema, role_password(household.tenant.schema, 2)),
        ("postgres", pooler.stack.credentials.administrator),
        ("no_such_role", "x"),
    ]
    for user, password in attempts:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(host=LOOPBACK, port=pooler.port, dbname="bulkhead", user=user, password=password)


def test_who_came_in_with_a_stolen_password_is_put_out_by_the_poolers_console(
    household: Household, through: Pooler
) -> None:
    """As POOLS.md says: who stayed connected would get the servers that the new password opens."""
    role = household.tenant.schema
    stolen = make_conninfo(
        host=LOOPBACK, port=through.port, dbname="bulkhead", user=role, password=role_password(role, 1)
    )
    with closing(psycopg.connect(stolen, autocommit=True)) as thief:
        thief.execute("SELECT 1")
        suspend(household.tenant)
        through.command("KILL bulkhead")
        through.command("RESUME bulkhead")
        _forget()
        with enter_as_system(household.tenant.id, Actor.system("test"), suspended=True):
            assert Repository.objects.count() == 0
        with pytest.raises(psycopg.OperationalError):
            thief.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(stolen)


def test_verifiers_are_told_to_the_pooler_alone_and_only_of_our_roles(
    household: Household, pooler: Pooler, stack: Stack
) -> None:
    ask = "SELECT role, left(secret, 14) FROM pooling.secret_of(%s)"
    role, port = household.tenant.schema, stack.ports["postgresql"]
    with psycopg.connect(
        host=LOOPBACK, port=port, dbname="bulkhead", user="pgbouncer", password=pooler.password
    ) as asking:
        assert asking.execute(ask, [role]).fetchall() == [(role, "SCRAM-SHA-256$")]
        assert asking.execute(ask, ["bulkhead_web"]).fetchall() == [("bulkhead_web", "SCRAM-SHA-256$")]
        for other in ("postgres", "pgbouncer", "", "t_0", f"{role}'--"):
            assert asking.execute(ask, [other]).fetchall() == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            asking.execute("SELECT * FROM pg_authid")
    for user, password in [
        (role, role_password(role, 1)),
        ("bulkhead_web", stack.credentials.web),
        ("bulkhead_provisioner", stack.credentials.provisioner),
    ]:
        with (
            psycopg.connect(host=LOOPBACK, port=port, dbname="bulkhead", user=user, password=password) as other_role,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            other_role.execute(ask, [role])


def test_a_rotated_password_counts_at_once(household: Household, through: Pooler) -> None:
    visit(household)
    (outcome,) = rotate_now(household)
    assert outcome.failure == ""
    visit(household)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(
            host=LOOPBACK,
            port=through.port,
            dbname="bulkhead",
            user=household.tenant.schema,
            password=role_password(household.tenant.schema, 1),
        )


@pytest.mark.parametrize("lifetime", [3600, 0], ids=["servers kept", "servers used once"])
def test_no_request_fails_while_passwords_rotate_behind_the_pooler(
    household: Household, neighbour: Household, through: Pooler, lifetime: int
) -> None:
    """Servers used once are the worst case: each transaction makes the pooler log in with what it knows by then."""

    def fresh() -> None:
        visit(household)
        close_compartments()

    def several() -> None:
        with household.enter():
            for _ in range(20):
                assert Repository.objects.count() == 0

    through.command(f"SET server_lifetime = {lifetime}")
    requests = [fresh, fresh, several, several, lambda: visit(household), lambda: visit(neighbour)]
    try:
        outcomes = rotate_under(household, *requests)
    finally:
        through.command("SET server_lifetime = 3600")
    assert [outcome.failure for outcome in outcomes if outcome.failure] == []


def test_nothing_is_prepared_on_a_server_that_another_client_gets_next(household: Household, through: Pooler) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])

    def read() -> int:
        with household.enter() as inside:
            for _ in range(3):
                parameters.reveal_environment(inside, "api")
            with connections[inside.alias].cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_prepared_statements")
                return int((cursor.fetchone() or (0,))[0])

    assert at_once(read, times=4) == [0] * 4
