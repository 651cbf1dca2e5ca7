"""Deleting can be undone for 30 days; then the sealed bytes are gone. Until then it is as if it were gone."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from django.db.models import F

from tenants.actions import parameter_values, parameters, repositories
from tenants.actions.parameter_deletion import (
    KEPT,
    list_deleted_parameters,
    list_deleted_sets,
    restore_parameter,
    restore_set,
    shred,
)
from tenants.actor import Actor
from tenants.compartment import Compartment, enter_as_system
from tenants.errors import Invalid, NotFound, Refused
from tenants.pagination import PageRequest
from tenants.records.models import Parameter, ParameterSet, ParameterVersion
from tenants.registry.due import Due, database_now
from tenants.roles import Role
from tenants.shredding import shred_due
from tests.conftest import Household, NewPerson, acting_as, at_once
from tests.tenants.actions.test_parameter_history import id_of, last_act, new_set

FIRST = PageRequest()
Sweep = Callable[[], int]


def reach(inside: Compartment) -> dict[str, str]:
    return parameters.reveal_environment(inside, "api").values


def let_pass(household: Household, time: timedelta = KEPT) -> None:
    """Move what this tenant deleted, and what is due for it, into the past."""
    with household.enter():
        for model in (ParameterSet, Parameter):
            model.objects.filter(deleted_at__isnull=False).update(deleted_at=F("deleted_at") - time)
    with acting_as("worker"):
        Due.objects.filter(tenant=household.tenant).update(due_at=F("due_at") - time)


@pytest.fixture
def inside_api(household: Household) -> Household:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
    return household


def test_a_parameter_comes_back_with_its_versions(inside_api: Household) -> None:
    with inside_api.enter() as inside:
        set_id = new_set(inside, A="1", B="2")
        parameters.set_parameter(inside, set_id, name="A", value="3")
        parameter_id = id_of("A")
        parameters.delete_parameter(inside, set_id, parameter_id)
        assert reach(inside) == {"B": "2"}
        assert parameters.list_sets(inside, FIRST).items[0].size == 1
        with pytest.raises(NotFound):
            parameters.get_parameter(inside, set_id, parameter_id)
        [deleted] = list_deleted_parameters(inside, set_id, FIRST).items
        assert (deleted.name, deleted.deleted_by) == ("A", inside.actor.label)
        restore_parameter(inside, set_id, parameter_id)
        assert last_act(inside)["action"] == "parameter.restored"
        assert reach(inside) == {"A": "3", "B": "2"}
        assert list_deleted_parameters(inside, set_id, FIRST).items == []
        with pytest.raises(NotFound):
            restore_parameter(inside, set_id, parameter_id)


def test_a_set_comes_back_as_it_was(inside_api: Household) -> None:
    with inside_api.enter() as inside:
        set_id = new_set(inside, A="1", B="2")
        parameters.delete_parameter(inside, set_id, id_of("B"))
        parameters.delete_set(inside, set_id)
        assert reach(inside) == {}
        assert [(each.id, each.deleted_by) for each in list_deleted_sets(inside, FIRST).items] == [
            (set_id, inside.actor.label)
        ]
        with pytest.raises(NotFound):
            parameters.set_parameter(inside, set_id, name="A", value="x")
        restore_set(inside, set_id)
        assert reach(inside) == {"A": "1"}


def test_a_name_that_is_taken_meanwhile_is_kept(household: Household) -> None:
    with household.enter() as inside:
        set_id = new_set(inside, A="1")
        old = id_of("A")
        parameters.delete_parameter(inside, set_id, old)
        parameters.set_parameter(inside, set_id, name="A", value="2")
        with pytest.raises(Invalid) as refusal:
            restore_parameter(inside, set_id, old)
        assert "this name" in refusal.value.fields["name"]
        parameters.delete_set(inside, set_id)
        new_set(inside)
        with pytest.raises(Invalid) as refusal:
            restore_set(inside, set_id)
        assert "this name" in refusal.value.fields["name"]


def test_a_full_set_takes_nothing_back(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("parameter_values", "parameter_deletion"):
        monkeypatch.setattr(f"tenants.actions.{module}.MAX_PARAMETERS", 1)
    with household.enter() as inside:
        set_id = new_set(inside, A="1")
        old = id_of("A")
        parameters.delete_parameter(inside, set_id, old)
        parameters.set_parameter(inside, set_id, name="B", value="2")
        with pytest.raises(Invalid):
            restore_parameter(inside, set_id, old)


@pytest.mark.parametrize("what", ["set", "parameter"])
def test_after_30_days_it_is_shredded(inside_api: Household, sweep: Sweep, no_worker: None, what: str) -> None:
    with inside_api.enter() as inside:
        kept = new_set(inside, "kept", KEEP="1")
        set_id = new_set(inside, A="1", B="2") if what == "set" else kept
        if what == "set":
            parameters.delete_set(inside, set_id)
        else:
            parameters.set_parameter(inside, set_id, name="A", value="1")
            parameters.set_parameter(inside, set_id, name="A", value="2")
            parameters.delete_parameter(inside, set_id, id_of("A"))
        assert ParameterVersion.objects.count() == 3
    let_pass(inside_api, KEPT - timedelta(hours=1))
    sweep()
    with inside_api.enter():
        assert ParameterVersion.objects.count() == 3
    let_pass(inside_api, timedelta(hours=1))
    with inside_api.enter() as inside:
        assert list_deleted_sets(inside, FIRST).items == []
        assert list_deleted_parameters(inside, set_id, FIRST).items == []
        with pytest.raises(NotFound):
            restore_set(inside, set_id) if what == "set" else restore_parameter(
                inside, set_id, Parameter.objects.get(name="A").id
            )
    sweep()
    with inside_api.enter() as inside:
        assert [row.parameter.name for row in ParameterVersion.objects.select_related("parameter")] == ["KEEP"]
        act = last_act(inside)
        assert (act["action"], act["subject"]) == (
            ("parameters.shredded", "set") if what == "set" else ("parameter.shredded", "kept/A")
        )
    with acting_as("worker"):
        assert not Due.objects.filter(tenant=inside_api.tenant, kind=Due.Kind.SHRED).exists()


def test_what_was_restored_is_not_shredded(inside_api: Household, sweep: Sweep, no_worker: None) -> None:
    with inside_api.enter() as inside:
        set_id = new_set(inside, A="1", B="2")
        first, second = id_of("A"), id_of("B")
        for each in (first, second):
            parameters.delete_parameter(inside, set_id, each)
            restore_parameter(inside, set_id, each)
    let_pass(inside_api)
    with inside_api.enter() as inside:
        parameters.delete_parameter(inside, set_id, second)  # a month later, and the first hint still stands
    sweep()
    with inside_api.enter() as inside:
        assert reach(inside) == {"A": "1"}
        restore_parameter(inside, set_id, second)
        assert reach(inside) == {"A": "1", "B": "2"}
        parameters.delete_parameter(inside, set_id, second)
    with acting_as("worker"):
        [due] = Due.objects.filter(tenant=inside_api.tenant, kind=Due.Kind.SHRED)
        assert due.message_id == second
        assert due.due_at > database_now() + KEPT - timedelta(hours=1)


def hints(household: Household) -> list[uuid.UUID]:
    with acting_as("worker"):
        found = Due.objects.filter(tenant=household.tenant, kind=Due.Kind.SHRED)
        return list(found.values_list("message_id", flat=True))


def restored(household: Household) -> tuple[uuid.UUID, uuid.UUID]:
    """Return a set and its parameter, which was deleted and restored a month ago: the hint still stands, and is due."""
    with household.enter() as inside:
        set_id = new_set(inside, A="1")
        parameter_id = id_of("A")
        parameters.delete_parameter(inside, set_id, parameter_id)
        restore_parameter(inside, set_id, parameter_id)
    let_pass(household)
    assert hints(household) == [parameter_id]
    return set_id, parameter_id


def test_what_is_deleted_while_a_shredder_looks_keeps_its_hint(household: Household, no_worker: None) -> None:
    set_id, parameter_id = restored(household)
    with acting_as("worker"):
        due = Due.objects.get(tenant=household.tenant, kind=Due.Kind.SHRED)

    def look() -> None:
        with acting_as("worker"):
            shred_due(due)

    with ThreadPoolExecutor(1) as threads:
        with household.enter() as inside, inside.transaction():
            parameters.delete_parameter(inside, set_id, parameter_id)
            looking = threads.submit(at_once, look, times=1)
            wait([looking], timeout=0.5)
        looking.result(60)
    assert hints(household) == [parameter_id]


def test_what_is_deleted_right_after_a_shredder_has_looked_has_a_hint(household: Household, no_worker: None) -> None:
    set_id, parameter_id = restored(household)

    def delete() -> None:
        with household.enter() as inside:
            parameters.delete_parameter(inside, set_id, parameter_id)

    with ThreadPoolExecutor(1) as threads:
        shredder = enter_as_system(household.tenant.id, Actor.system("shredding"))
        with acting_as("worker"), shredder as inside, inside.transaction():
            Parameter.objects.select_for_update().get(id=parameter_id)
            deleting = threads.submit(at_once, delete, times=1)
            wait([deleting], timeout=0.5)  # until it waits for the row
            assert shred(inside, parameter_id) is None
        deleting.result(60)
    assert hints(household) == [parameter_id]


def test_who_may_not_write_may_not_delete_or_restore(household: Household, new_person: NewPerson) -> None:
    member = household.join(new_person("member"), Role.MEMBER)
    with household.enter() as inside:
        set_id = new_set(inside, A="1")
    with household.enter(member) as inside:
        for act in (parameters.delete_set, restore_set):
            with pytest.raises(Refused):
                act(inside, set_id)
        for one in (parameters.delete_parameter, restore_parameter):
            with pytest.raises(Refused):
                one(inside, set_id, uuid.uuid4())
        with pytest.raises(Refused):
            parameters.apply_changes(inside, set_id, values=[parameter_values.NewValue("A", "x")])


def test_ids_that_are_not_there_leave_no_hint(household: Household) -> None:
    with household.enter() as inside:
        set_id = new_set(inside, A="1")
        for wrong in (uuid.uuid4(), set_id):
            with pytest.raises(NotFound):
                parameters.delete_parameter(inside, set_id, wrong)
        with pytest.raises(NotFound):
            parameters.delete_set(inside, uuid.uuid4())
    with acting_as("worker"):
        assert not Due.objects.filter(tenant=household.tenant, kind=Due.Kind.SHRED).exists()
