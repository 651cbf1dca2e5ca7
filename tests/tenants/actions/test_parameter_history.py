"""Versions: who, when, why; which are alike; going back without the right to read."""

from __future__ import annotations

import json
import uuid
from datetime import date, timedelta
from typing import NoReturn

import pytest

from secrets_vault import KeyServiceUnavailable
from tenants.actions import parameter_history, parameter_values, parameters, repositories
from tenants.actions.parameter_history import compare_versions, list_versions, roll_back
from tenants.compartment import Compartment
from tenants.errors import Invalid, NotFound, Refused
from tenants.pagination import PageRequest
from tenants.records.models import AuditRow, Parameter, ParameterVersion
from tenants.registry.due import database_now
from tenants.roles import GRANTS, Permission, Role
from tests.conftest import Household

FIRST = PageRequest()


def new_set(inside: Compartment, name: str = "set", **values: str) -> uuid.UUID:
    made = parameters.create_set(inside, name=name, description="", filters=[])
    for parameter, value in values.items():
        parameters.set_parameter(inside, made.id, name=parameter, value=value)
    return made.id


def id_of(name: str) -> uuid.UUID:
    return Parameter.objects.get(name=name, deleted_at=None).id


def last_act(inside: Compartment) -> dict[str, object]:
    row = AuditRow.objects.using(inside.alias).order_by("-position")[0]
    return dict(json.loads(row.entry))


def test_each_change_is_a_version_with_author_time_and_reason(household: Household) -> None:
    with household.enter() as inside:
        set_id = new_set(inside, A="hunter2")
        parameters.set_parameter(inside, set_id, name="A", value="other", reason="It leaked")
        second, first = list_versions(inside, set_id, id_of("A"), FIRST).items
        assert (second.version, second.reason, second.in_force) == (2, "It leaked", True)
        assert (first.version, first.reason, first.in_force) == (1, "", False)
        assert first.author == inside.actor.label
        assert first.created_at < second.created_at
        assert (first.length, second.length) == ("under 8 bytes", "under 8 bytes")
        named = {"id": str(id_of("A")), "of": str(set_id)}
        assert last_act(inside)["detail"] == {"version": 2, "reason": "It leaked", **named}
        page = list_versions(inside, set_id, id_of("A"), PageRequest(size=1))
        assert [each.version for each in list_versions(inside, set_id, id_of("A"), PageRequest(page.next)).items] == [1]


def test_equal_values_have_one_fingerprint_within_a_parameter_alone(household: Household) -> None:
    with household.enter() as inside:
        set_id = new_set(inside, A="same", B="same")
        parameters.set_parameter(inside, set_id, name="A", value="other")
        parameters.set_parameter(inside, set_id, name="A", value="same")
        third, second, first = list_versions(inside, set_id, id_of("A"), FIRST).items
        [other] = list_versions(inside, set_id, id_of("B"), FIRST).items
        assert first.fingerprint == third.fingerprint
        assert len({first.fingerprint, second.fingerprint, other.fingerprint}) == 3
        assert compare_versions(inside, set_id, id_of("A"), left=1, right=3).same
        assert not compare_versions(inside, set_id, id_of("A"), left=1, right=2).same
        with pytest.raises(NotFound):
            compare_versions(inside, set_id, id_of("A"), left=1, right=4)


def test_digests_of_equal_values_can_not_be_told(household: Household) -> None:
    with household.enter() as inside:
        set_id = new_set(inside, A="same", B="same")
        parameters.set_parameter(inside, set_id, name="A", value="same")
        assert len({bytes(row.digest or b"") for row in ParameterVersion.objects.all()}) == 3


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "empty"),
        (1, "under 8 bytes"),
        (7, "under 8 bytes"),
        (8, "8 to 15 bytes"),
        (40, "32 to 63 bytes"),
        (65536, "65,536 to 131,071 bytes"),
    ],
)
def test_a_length_is_rounded(size: int, shown: str) -> None:
    assert parameter_history.rounded_length(size) == shown


def test_going_back_takes_no_right_to_read(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        set_id = new_set(inside, A="good")
        parameters.set_parameter(inside, set_id, name="A", value="bad")
    writers = GRANTS[Role.OWNER] - {Permission.PARAMETERS_REVEAL}
    with monkeypatch.context() as patched, household.enter() as inside:
        patched.setattr("tenants.compartment.GRANTS", {**GRANTS, Role.OWNER: writers})
        with pytest.raises(Refused):
            parameters.reveal_environment(inside, "api")
        assert roll_back(inside, set_id, id_of("A"), version=1).version == 3
        assert "good" not in json.dumps(last_act(inside))
    with household.enter() as inside:
        assert parameters.reveal_environment(inside, "api").values == {"A": "good"}
        assert list_versions(inside, set_id, id_of("A"), FIRST).items[0].reason == "Back to version 1"
        assert last_act(inside)["action"] == "parameters.revealed"
        for version, error in ((3, Invalid), (9, NotFound)):
            with pytest.raises(error):
                roll_back(inside, set_id, id_of("A"), version=version)


def test_history_is_there_while_the_key_service_is_not(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_reach(_tenant: uuid.UUID) -> NoReturn:
        raise KeyServiceUnavailable("it can't be reached")

    with household.enter() as inside:
        set_id = new_set(inside, A="hunter2 and more")
        monkeypatch.setattr("tenants.compartment.keyring_of", out_of_reach)
        [shown] = list_versions(inside, set_id, id_of("A"), FIRST).items
        assert (shown.fingerprint, shown.length) == ("", "16 to 31 bytes")


def test_many_changes_are_one(household: Household) -> None:
    with household.enter() as inside:
        set_id = new_set(inside, A="1", B="2")
        new = [parameter_values.NewValue("A", "one"), parameter_values.NewValue("C", "three", kind="file")]
        written = parameters.apply_changes(inside, set_id, values=new, deletes=[id_of("B")], reason="Tidy")
        assert [(each.name, each.version, each.kind) for each in written] == [("A", 2, "text"), ("C", 1, "file")]
        told = {"set": ["A", "C"], "deleted": ["B"], "reason": "Tidy", "id": str(set_id)}
        assert last_act(inside)["detail"] == told
        assert [row.parameter.name for row in parameters.list_parameters(inside, set_id)] == ["A", "C"]


@pytest.mark.parametrize("bad", ["name", "value", "twice", "both", "missing"])
def test_many_changes_are_all_or_nothing(household: Household, bad: str) -> None:
    with household.enter() as inside:
        set_id = new_set(inside, A="1", B="2")
        before = (ParameterVersion.objects.count(), AuditRow.objects.count())
        new = [parameter_values.NewValue("A", "one"), parameter_values.NewValue("C", "secret-value")]
        new += {
            "name": [parameter_values.NewValue("1", "x")],
            "value": [parameter_values.NewValue("D", "secret\x00")],
            "twice": [parameter_values.NewValue("C", "x")],
        }.get(bad, [])
        deletes = {"both": [id_of("A")], "missing": [uuid.uuid4()]}.get(bad, [])
        with pytest.raises(NotFound if bad == "missing" else Invalid) as refusal:
            parameters.apply_changes(inside, set_id, values=new, deletes=deletes)
        assert "secret" not in repr(getattr(refusal.value, "fields", ""))
        assert (ParameterVersion.objects.count(), AuditRow.objects.count()) == before
        assert [row.parameter.name for row in parameters.list_parameters(inside, set_id)] == ["A", "B"]


def _day(days: int) -> date:
    return (database_now() + timedelta(days=days)).date()


@pytest.mark.usefixtures("one_day")
def test_a_date_and_a_description_stay_until_they_are_changed(household: Household) -> None:
    with household.enter() as inside:
        set_id = new_set(inside, LATER="x")
        soon = parameters.set_parameter(
            inside, set_id, name="SOON", value="1", description="For deploying", expires_on=_day(5)
        )
        parameters.set_parameter(inside, set_id, name="PAST", value="1", expires_on=_day(-5))
        parameters.set_parameter(inside, set_id, name="LATER", value="1", expires_on=_day(50))
        parameters.set_parameter(inside, set_id, name="SOON", value="2")
        assert [each.name for each in parameters.list_expiring(inside)] == ["PAST", "SOON"]
        assert [each.name for each in parameters.list_expiring(inside, 4)] == ["PAST"]
        assert parameters.get_parameter(inside, set_id, soon.id).description == "For deploying"
        parameters.describe_parameter(inside, set_id, soon.id, description="", expires_on=None)
        assert [each.name for each in parameters.list_expiring(inside)] == ["PAST"]
        assert parameters.get_parameter(inside, set_id, soon.id).version == 2
