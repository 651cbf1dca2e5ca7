"""Labels are the boundary, every value is a version under a key of its own, and no value leaves unlogged."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secrets_vault import BadCiphertext
from tenants.actions import builds, in_reach, parameter_values, parameters, repositories
from tenants.compartment import Compartment
from tenants.errors import Invalid, NotFound, Refused
from tenants.pagination import PageRequest
from tenants.records.labels import Filters, Pair
from tenants.records.models import AuditRow, ParameterVersion
from tenants.roles import Role
from tests.conftest import Household, NewPerson

LINUX: Pair = ("os", "linux")
CORE: Pair = ("team", "core")


def add(inside: Compartment, name: str, filters: Sequence[Sequence[Pair]], **values: str) -> uuid.UUID:
    parameter_set = parameters.create_set(inside, name=name, description="", filters=filters)
    for parameter, value in values.items():
        parameters.set_parameter(inside, parameter_set.id, name=parameter, value=value)
    return parameter_set.id


def last_act(inside: Compartment) -> dict[str, object]:
    row = AuditRow.objects.using(inside.alias).order_by("-position")[0]
    return dict(json.loads(row.entry))


def test_a_build_gets_what_its_labels_match_and_nothing_else(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[LINUX])
        add(inside, "everywhere", [], A="1")
        add(inside, "linux", [[LINUX]], B="2")
        add(inside, "either", [[CORE], [LINUX]], C="3")
        add(inside, "both", [[LINUX, CORE]], D="4")
        add(inside, "turned", [[("linux", "os")]], E="5")
        add(inside, "doubled", [[("os", "os")]], F="6")
        add(inside, "other case", [[("OS", "linux")]], G="7")
        environment = parameters.reveal_environment(inside, "api")
    assert environment.values == {"A": "1", "B": "2", "C": "3"}


labels = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyab")), max_size=4)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # each asks the database
@given(carried=labels, filters=st.lists(labels.filter(bool), max_size=3))
def test_the_database_matches_labels_as_the_definition_says(carried: list[Pair], filters: Filters) -> None:
    expected = not filters or any(set(alternative) <= set(carried) for alternative in filters)
    assert _database_says(carried, filters) == expected


def _database_says(carried: list[Pair], filters: Filters) -> bool:
    """Ask PostgreSQL with the very condition that queries use, over rows made of the arguments."""
    from tenants.records.labels import _MATCH, stored, stored_filters  # noqa: PLC0415 - the condition itself

    sql = _MATCH.format(filters="%s::jsonb", labels="%s::jsonb")
    wanted = json.dumps(stored_filters(filters))
    with connections["default"].cursor() as cursor:
        cursor.execute(f"SELECT {sql}", [wanted, wanted, json.dumps(stored(carried))])
        return bool((cursor.fetchone() or (None,))[0])


def test_the_more_specific_set_wins_then_the_newer(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[LINUX, CORE])
        add(inside, "specific", [[LINUX, CORE]], NAME="specific", OTHER="specific")
        add(inside, "old", [[LINUX]], NAME="old", THIRD="old")
        add(inside, "new", [[CORE]], NAME="new", THIRD="new")
        environment = parameters.reveal_environment(inside, "api")
    assert environment.values == {"NAME": "specific", "OTHER": "specific", "THIRD": "new"}
    assert environment.conflicts == {"NAME": ["specific", "new", "old"], "THIRD": ["new", "old"]}


def test_only_an_alternative_that_matches_counts_as_specific(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[LINUX, CORE])
        add(inside, "long but elsewhere", [[LINUX], [("a", "1"), ("b", "2"), ("c", "3")]], NAME="wrong")
        add(inside, "two", [[LINUX, CORE]], NAME="right")
        add(inside, "newest", [], NAME="wrong")
        assert parameters.reveal_environment(inside, "api").values == {"NAME": "right"}


def test_reading_is_logged_by_name_without_the_value(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        add(inside, "all", [], TOKEN="hunter2-canary")
        parameters.reveal_environment(inside, "api")
        act = last_act(inside)
        assert act["action"] == "parameters.revealed"
        assert act["subject"] == "api"
        assert act["detail"] == {"names": ["TOKEN"]}
        assert act["actor_id"] == str(household.owner.id)
        assert not AuditRow.objects.filter(entry__contains="hunter2").exists()


def test_no_value_leaves_when_the_log_can_not_be_written(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        add(inside, "all", [], TOKEN="value")
    _revoke_insert_on_audit(household)
    with household.enter() as inside, pytest.raises(Exception, match="permission denied"):
        parameters.reveal_environment(inside, "api")


def _revoke_insert_on_audit(household: Household) -> None:
    schema = household.tenant.schema
    with connections["provisioner"].cursor() as cursor:
        cursor.execute(f"REVOKE INSERT (entry) ON {schema}.audit FROM {schema}")


def test_each_value_is_a_version_and_equal_values_can_not_be_told(household: Household) -> None:
    with household.enter() as inside:
        set_id = add(inside, "all", [], A="same", B="same")
        parameters.set_parameter(inside, set_id, name="A", value="same")
        rows = list(ParameterVersion.objects.all())
        assert sorted((row.parameter.name, row.version) for row in rows) == [("A", 1), ("A", 2), ("B", 1)]
        assert len({bytes(row.sealed)[-20:] for row in rows}) == 3
        assert not any(b"same" in bytes(row.sealed) for row in rows)


@pytest.mark.parametrize("moved", ["other parameter", "old version", "other tenant"])
def test_a_value_moved_elsewhere_does_not_open(household: Household, neighbour: Household, moved: str) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        set_id = add(inside, "all", [], A="one", B="two")
        first = ParameterVersion.objects.get(parameter__name="A")
        if moved == "other parameter":
            ParameterVersion.objects.filter(parameter__name="B").update(sealed=first.sealed)
        if moved == "old version":
            parameters.set_parameter(inside, set_id, name="A", value="new")
            ParameterVersion.objects.filter(parameter__name="A", version=2).update(sealed=first.sealed)
    if moved == "other tenant":
        with neighbour.enter() as there:
            add(there, "all", [], A="theirs")
            stolen = bytes(ParameterVersion.objects.get().sealed)
        with household.enter():
            ParameterVersion.objects.filter(parameter__name="A").update(sealed=stolen)
    with household.enter() as inside, pytest.raises(BadCiphertext):
        parameters.reveal_environment(inside, "api")


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("1ST", "v", "name"),
        ("", "v", "name"),
        ("A-B", "v", "name"),
        ("A" * 101, "v", "name"),
        ("A\n", "v\x00", "value"),
        ("A", "v" * (64 * 1024 + 1), "value"),
        ("A", "\ud800", "value"),
    ],
)
def test_bad_parameters_are_refused_and_change_nothing(household: Household, name: str, value: str, field: str) -> None:
    with household.enter() as inside:
        set_id = add(inside, "all", [])
        before = AuditRow.objects.count()
        with pytest.raises(Invalid) as refusal:
            parameters.set_parameter(inside, set_id, name=name, value=value)
        assert list(refusal.value.fields) == [field]
        assert ParameterVersion.objects.count() == 0
        assert AuditRow.objects.count() == before


@pytest.mark.parametrize(
    "filters",
    [
        [[]],
        [[LINUX], []],
        [[("a=b", "c")]],
        [[("", "c")]],
        [[("a", "b c")]],
        [[LINUX]] * 17,
        [[(f"l{number}", "v") for number in range(33)]],
    ],
)
def test_bad_filters_are_refused(household: Household, filters: Filters) -> None:
    with household.enter() as inside, pytest.raises(Invalid) as refusal:
        parameters.create_set(inside, name="set", description="", filters=filters)
    assert list(refusal.value.fields) == ["filters"]


def test_a_name_is_used_once(household: Household) -> None:
    with household.enter() as inside:
        add(inside, "all", [])
        other = add(inside, "other", [])
        with pytest.raises(Invalid):
            add(inside, "all", [])
        with pytest.raises(Invalid):
            parameters.change_set(inside, other, name="all", description="", filters=[])
        assert [row.name for row in parameters.list_sets(inside, PageRequest()).items] == ["all", "other"]


def test_changing_filters_changes_who_is_reached(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[LINUX])
        repositories.create_repository(inside, name="web", url="", labels=[CORE])
        set_id = add(inside, "set", [[LINUX]], A="1")
        assert parameters.matching_repositories(inside, [[LINUX]]) == ["api"]
        assert parameters.matching_repositories(inside, []) == ["api", "web"]
        parameters.change_set(inside, set_id, name="set", description="now core's", filters=[[CORE]])
        assert parameters.reveal_environment(inside, "api").values == {}
        assert parameters.reveal_environment(inside, "web").values == {"A": "1"}


def test_what_is_deleted_is_out_of_reach(household: Household) -> None:
    with household.enter() as inside:
        set_id = add(inside, "set", [], A="1", B="2")
        first = parameters.list_parameters(inside, set_id)[0]
        parameters.delete_parameter(inside, set_id, first.parameter_id)
        assert [row.parameter.name for row in parameters.list_parameters(inside, set_id)] == ["B"]
        repositories.create_repository(inside, name="api", url="", labels=[])
        assert parameters.reveal_environment(inside, "api").values == {"B": "2"}
        parameters.delete_set(inside, set_id)
        assert last_act(inside)["detail"] == {"names": ["B"], "id": str(set_id)}
        assert parameters.list_sets(inside, PageRequest()).items == []
        assert parameters.reveal_environment(inside, "api").values == {}
        for act in (parameters.get_set, parameters.delete_set, parameters.reveal_set):
            with pytest.raises(NotFound):
                act(inside, set_id)


def test_missing_things_are_not_found(household: Household) -> None:
    with household.enter() as inside:
        with pytest.raises(NotFound):
            parameters.get_set(inside, uuid.uuid4())
        with pytest.raises(NotFound):
            parameters.reveal_environment(inside, "no such repository")
        with pytest.raises(NotFound):
            parameters.set_parameter(inside, uuid.uuid4(), name="A", value="1")


def test_an_auditor_sees_names_and_opens_nothing(household: Household, new_person: NewPerson) -> None:
    auditor = household.join(new_person("auditor"), Role.AUDITOR)
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        set_id = add(inside, "set", [], A="1")
    with household.enter(auditor) as inside:
        assert [row.parameter.name for row in parameters.list_parameters(inside, set_id)] == ["A"]
        with pytest.raises(Refused):
            parameters.reveal_environment(inside, "api")
        with pytest.raises(Refused):
            parameters.set_parameter(inside, set_id, name="A", value="2")


def test_a_set_holds_so_many_and_no_more(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameter_values, "MAX_PARAMETERS", 2)
    with household.enter() as inside:
        set_id = add(inside, "all", [], A="1", B="2")
        with pytest.raises(Invalid, match="name"):
            parameters.set_parameter(inside, set_id, name="C", value="3")
        parameters.set_parameter(inside, set_id, name="A", value="again")


def test_a_build_is_given_so_many_values_and_no_more(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "MAX_IN_REACH", 1)
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        add(inside, "all", [], A="1", B="2")
        with pytest.raises(Invalid, match="repository"):
            parameters.reveal_environment(inside, "api")


def test_a_build_is_given_so_many_bytes_and_no_more(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the database, which sums what is stored: more is neither fetched nor logged."""
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        add(inside, "all", [], A="1" * 1000, B="2" * 1000)
        stored = sum(len(version.sealed) for version in ParameterVersion.objects.all())
        monkeypatch.setattr(in_reach, "MAX_BYTES", stored)
        assert set(parameters.reveal_environment(inside, "api").values) == {"A", "B"}
        assert builds.start_build(inside, repository="api", revision="", overrides={}, ttl=600)
        monkeypatch.setattr(in_reach, "MAX_BYTES", stored - 1)
        before = AuditRow.objects.count()
        with pytest.raises(Invalid, match="repository"):
            parameters.reveal_environment(inside, "api")
        with pytest.raises(Invalid, match="repository"):
            builds.start_build(inside, repository="api", revision="", overrides={}, ttl=600)
        assert AuditRow.objects.count() == before
