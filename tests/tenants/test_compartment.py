"""The way in: one compartment at a time, for whoever is a member, in every thread and task of its own."""

from __future__ import annotations

import threading

import psycopg
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import IntegrityError, connections
from django.db.models import QuerySet

from secrets_vault import seal
from tenants.actions import parameters, repositories
from tenants.actor import Actor
from tenants.compartment import Compartment, enter, enter_as_system
from tenants.databases import OutsideCompartmentError
from tenants.databases.base import warm
from tenants.errors import Invalid, NotFound, Refused
from tenants.keyrings import key_service, keyring_of
from tenants.pagination import PageRequest
from tenants.records.models import AuditRow, Repository
from tenants.registry.models import TenantKey
from tenants.roles import Role
from tests.conftest import Household, NewPerson, NewTenant, at_once


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
    houses = iter([new_tenant(), new_tenant()] * 3)
    failures: list[str] = []

    def write() -> None:
        house = next(houses)
        for turn in range(25):
            with house.enter() as inside:
                repositories.create_repository(
                    inside, name=f"{house.slug}-{threading.get_ident()}-{turn}", url="", labels=[]
                )
                failures.extend(name for name in _names(inside) if not name.startswith(house.slug))

    at_once(write, times=6)
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
