"""A compartment is a database role: what a tenant's connection can't do, PostgreSQL itself refuses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Final

import psycopg
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import IntegrityError, connections
from django.db.models import QuerySet

from portal.demo.embedded import Stack
from secrets_vault import seal
from tenants.actions import parameters, repositories
from tenants.actor import Actor
from tenants.compartment import Compartment, enter, enter_as_system
from tenants.databases import OutsideCompartmentError
from tenants.databases.base import close_compartments, warm
from tenants.databases.current import role_password
from tenants.errors import Invalid, NotFound, Refused
from tenants.keyrings import key_service, keyring_of
from tenants.pagination import PageRequest
from tenants.records.models import AuditRow, Repository
from tenants.registry.models import TenantKey
from tenants.roles import Role
from tests.conftest import Household, NewPerson, NewTenant

PERMISSION_DENIED: Final = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def as_role(household: Household, stack: Stack) -> Iterator[psycopg.Connection]:
    """A connection that only the tenant's own role opened: what SQL injected inside the compartment would have."""
    tenant = household.tenant
    connection = psycopg.connect(
        host="127.0.0.1",
        port=stack.ports["postgresql"],
        dbname="bulkhead",
        user=tenant.schema,
        password=role_password(tenant.schema, tenant.password_version),
        autocommit=True,
    )
    yield connection
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "RESET ROLE; SELECT * FROM {other}.repositories",
        "SELECT set_config('role', '{other}', false)",
        "SELECT set_config('role', 'bulkhead_provisioner', false)",
        "SET ROLE {other}",
        "SET SESSION AUTHORIZATION {other}",
        "SELECT * FROM {other}.repositories",
        "INSERT INTO {other}.repositories (id, name, url, labels) VALUES (gen_random_uuid(), 'x', '', '[]')",
        "SELECT * FROM {other}.audit",
        "INSERT INTO {other}.audit (entry) VALUES ('forged')",
        "SET search_path = {other}; SELECT * FROM {other}.audit",
        "SELECT * FROM registry.tenants",
        "SELECT * FROM registry.tenant_keys",
        "SELECT * FROM registry.people",
        "CREATE TABLE {own}.mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE audit (entry text)",
        "CREATE ROLE somebody",
        "ALTER ROLE {other} PASSWORD 'x'",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "UPDATE {own}.audit SET entry = 'rewritten'",
        "DELETE FROM {own}.audit",
        "TRUNCATE {own}.audit",
        "INSERT INTO {own}.audit (position, at, entry, previous, hash) VALUES (99, now(), '', '', '')",
        "SELECT * FROM {own}.audit_head",
        "UPDATE {own}.audit_head SET position = 0",
        "ALTER TABLE {own}.audit DISABLE TRIGGER ALL",
        "DROP TABLE {own}.audit",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY {own}.repositories TO PROGRAM 'true'",
        "SELECT rolpassword FROM pg_authid",
        "SELECT lo_from_bytea(0, 'shared')",
        "SELECT lo_get(1)",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_xact_lock(1)",
        "SELECT pg_notify('neighbours', 'hello')",
        "SELECT pg_logical_emit_message(false, 'a', 'b')",
        "SELECT n_live_tup FROM pg_stat_all_tables",
        "SELECT n_tup_ins FROM pg_stat_user_tables",
    ],
)
def test_tenant_role_is_denied(
    as_role: psycopg.Connection, household: Household, neighbour: Household, statement: str
) -> None:
    sql = statement.format(own=household.tenant.schema, other=neighbour.tenant.schema)
    with pytest.raises(PERMISSION_DENIED):
        as_role.execute(sql)


def test_tenant_role_uses_its_own_schema(as_role: psycopg.Connection, household: Household) -> None:
    assert as_role.execute("SELECT current_schema(), session_user").fetchone() == (
        household.tenant.schema,
        household.tenant.schema,
    )
    assert as_role.execute("SELECT count(*) FROM repositories").fetchone() == (0,)


def test_tenant_role_belongs_to_no_other_role(as_role: psycopg.Connection, household: Household) -> None:
    memberships = as_role.execute(
        "SELECT count(*) FROM pg_auth_members WHERE member = %s::regrole", [household.tenant.schema]
    )
    assert memberships.fetchone() == (0,)


def test_queries_outside_a_compartment_raise() -> None:
    with pytest.raises(OutsideCompartmentError):
        Repository.objects.count()


def test_a_warm_connection_is_refused_by_name_after_leaving(household: Household) -> None:
    with household.enter():
        assert Repository.objects.count() == 0
    with pytest.raises(OutsideCompartmentError):
        Repository.objects.using(household.tenant.schema).count()
    with pytest.raises(OutsideCompartmentError):
        connections[household.tenant.schema].cursor()


def test_a_query_made_in_one_compartment_reads_the_one_it_runs_in(household: Household, neighbour: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="ours", url="", labels=[])
        later: QuerySet[Repository] = Repository.objects.all()
    with neighbour.enter():
        assert list(later) == []


def test_a_row_of_one_compartment_is_not_saved_in_another(household: Household, neighbour: Household) -> None:
    with household.enter() as inside:
        row = repositories.create_repository(inside, name="ours", url="", labels=[])
    with neighbour.enter():
        with pytest.raises(OutsideCompartmentError):
            row.save()
        assert Repository.objects.count() == 0


def test_an_action_refuses_a_compartment_that_is_not_the_innermost(household: Household, neighbour: Household) -> None:
    with household.enter() as outer, neighbour.enter() as inner:
        assert _names(inner) == []
        with pytest.raises(OutsideCompartmentError):
            _names(outer)
    with pytest.raises(OutsideCompartmentError):
        _names(outer)


def test_nesting_returns_to_the_outer_compartment(household: Household, neighbour: Household) -> None:
    with household.enter() as outer:
        repositories.create_repository(outer, name="outer", url="", labels=[])
        with pytest.raises(Invalid), neighbour.enter() as inner:
            repositories.create_repository(inner, name="!", url="", labels=[])
        assert _names(outer) == ["outer"]


def test_a_rolled_back_savepoint_stays_in_its_compartment(household: Household, neighbour: Household) -> None:
    with household.enter() as outer, outer.transaction():
        with neighbour.enter() as inner:
            with pytest.raises(IntegrityError), inner.transaction():
                Repository.objects.bulk_create([Repository(name="undone"), Repository(name="undone")])
            assert _names(inner) == []
        Repository.objects.create(name="kept", url="", labels=[])
    with household.enter() as again:
        assert _names(again) == ["kept"]


def test_threads_have_compartments_of_their_own(new_tenant: NewTenant) -> None:
    houses = [new_tenant() for _ in range(2)]
    failures: list[str] = []

    def work(house: Household) -> None:
        try:
            write(house)
        finally:
            close_compartments()
            connections.close_all()

    def write(house: Household) -> None:
        for turn in range(25):
            with house.enter() as inside:
                repositories.create_repository(
                    inside, name=f"{house.slug}-{threading.get_ident()}-{turn}", url="", labels=[]
                )
                failures.extend(name for name in _names(inside) if not name.startswith(house.slug))

    threads = [threading.Thread(target=work, args=[houses[number % 2]]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_async_code_keeps_its_compartment(household: Household, neighbour: Household) -> None:
    def write(house: Household) -> list[str]:
        with house.enter() as inside:
            repositories.create_repository(inside, name=f"of-{house.slug}", url="", labels=[])
            return _names(inside)

    async def both() -> list[list[str]]:
        return [await sync_to_async(write)(household), await sync_to_async(write)(neighbour)]

    assert async_to_sync(both)() == [[f"of-{household.slug}"], [f"of-{neighbour.slug}"]]


def test_warm_connections_are_bounded(new_tenant: NewTenant) -> None:
    houses = [new_tenant() for _ in range(settings.COMPARTMENT_CONNECTIONS + 3)]
    for house in houses:
        with house.enter():
            Repository.objects.count()
    open_now = [house for house in houses if _is_open(house)]
    assert open_now == houses[-settings.COMPARTMENT_CONNECTIONS :]


def test_a_connection_that_the_server_dropped_is_replaced(
    household: Household, administrator: psycopg.Connection
) -> None:
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
    with household.enter():
        Repository.objects.count()
        administrator.execute(ending, [household.tenant.schema])
        with pytest.raises(Exception, match=r"terminat|closed"):
            Repository.objects.count()
    with household.enter():
        assert Repository.objects.count() == 0


def test_missing_and_foreign_tenants_look_alike(household: Household, neighbour: Household) -> None:
    for slug in (household.slug, "no-such-tenant", "", "../registry", household.slug.upper()):
        with pytest.raises(NotFound), enter(slug, neighbour.actor()):
            pass


def test_a_person_is_not_let_in_as_a_system(household: Household) -> None:
    with pytest.raises(NotFound), enter_as_system(household.tenant.id, household.actor()):
        pass


def test_a_worker_may_do_nothing_that_needs_a_permission(household: Household) -> None:
    with enter_as_system(household.tenant.id, Actor.system("delivery")) as inside, pytest.raises(Refused):
        parameters.reveal_environment(inside, "any")


def test_a_removed_member_is_out_at_once(household: Household, new_person: NewPerson) -> None:
    member = household.join(new_person("member"), Role.MEMBER)
    with household.enter(member):
        pass
    household.tenant.memberships.filter(person=member).delete()
    with pytest.raises(NotFound), household.enter(member):
        pass


def test_two_tenants_have_chains_of_their_own(household: Household, neighbour: Household) -> None:
    with household.enter():
        assert list(AuditRow.objects.values_list("position", flat=True)) == [1]
    with neighbour.enter():
        assert list(AuditRow.objects.values_list("position", flat=True)) == [1]


def _names(compartment: Compartment) -> list[str]:
    return [row.name for row in repositories.list_repositories(compartment, PageRequest(size=100)).items]


def _is_open(house: Household) -> bool:
    return house.tenant.schema in warm.wrappers


def test_a_cursor_kept_after_leaving_runs_nothing(household: Household) -> None:
    with household.enter() as inside:
        kept = connections[inside.alias].cursor()
        kept.execute("SELECT 1")
    with pytest.raises(OutsideCompartmentError):
        kept.execute("SELECT 1")


def test_a_key_rotated_elsewhere_is_found(household: Household) -> None:
    with household.enter() as inside:
        place = inside.place("test.sealed", household.tenant.id, 1)
        inside.seal(place, b"keeps the first key in memory")
        keyring = keyring_of(household.tenant.id)
        newer, row = keyring.add(key_service())
        TenantKey.objects.using("provisioner").create(
            tenant_id=household.tenant.id, version=row.version, key_service=row.key_service_id, wrapped=row.wrapped
        )
        assert inside.open(place, seal(newer, place, b"by another process")) == b"by another process"


def test_a_tenants_role_starts_with_limits(household: Household, administrator: psycopg.Connection) -> None:
    found = administrator.execute(
        "SELECT rolconnlimit, rolconfig FROM pg_roles WHERE rolname = %s", [household.tenant.schema]
    ).fetchone()
    assert found is not None
    assert 0 < found[0] <= 100
    assert {"statement_timeout=30s", "idle_in_transaction_session_timeout=60s", "lock_timeout=5s"} <= set(found[1])
