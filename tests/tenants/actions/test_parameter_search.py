"""Search by what is shown, and by the exact value for who may write: logged, nothing opened, no other tenant's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db.models import Model
from django.db.models.signals import post_init

from tenants.actions import parameter_search, parameters, repositories
from tenants.actions.parameter_history import roll_back
from tenants.actions.parameter_search import State, find_value, search
from tenants.errors import Invalid, Refused
from tenants.records.models import AuditRow, ParameterVersion
from tenants.roles import Role
from tests.conftest import Household, NewPerson, at_once
from tests.tenants.actions.test_parameter_history import id_of, last_act, new_set
from tests.tenants.computing import computing


@contextmanager
def loaded(model: type[Model]) -> Iterator[list[Model]]:
    """Yield what becomes an object of this model during the block."""
    found: list[Model] = []

    def note(*, instance: Model, **_: object) -> None:
        found.append(instance)

    post_init.connect(note, sender=model)
    try:
        yield found
    finally:
        post_init.disconnect(note, sender=model)


def test_names_descriptions_and_labels_are_searched(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="web", url="", labels=[("team", "Blue")])
        made = parameters.create_set(inside, name="Deploy", description="to 100%", filters=[[("team", "blue")]])
        parameters.set_parameter(inside, made.id, name="TOKEN", value="blue", description="A_key")
        parameters.delete_parameter(
            inside, made.id, parameters.set_parameter(inside, made.id, name="OLD", value="1").id
        )

        def found(text: str) -> list[str]:
            result = search(inside, text)
            return [each.name for group in (result.sets, result.parameters, result.repositories) for each in group]

        assert found("deploy") == ["Deploy"]
        assert found("100%") == ["Deploy"]
        assert found("team=blue") == ["Deploy", "web"]
        assert found("oken") == ["TOKEN"]
        assert found("a_k") == ["TOKEN"]
        assert found("a%k") == []
        assert found("OLD") == []
        parameters.delete_set(inside, made.id)
        assert found("o") == []
        for wrong in ("", " ", "x\x00", "x" * 101):
            with pytest.raises(Invalid):
                search(inside, wrong)


def test_a_value_is_found_wherever_it_is_stored(household: Household, neighbour: Household) -> None:
    with neighbour.enter() as inside:
        new_set(inside, "theirs", X="leaked!")
    with household.enter() as inside:
        one = new_set(inside, "one", A="leaked!", B="LEAKED!")
        two = new_set(inside, "two", A="leaked!", C="leaked!")
        parameters.set_parameter(inside, one, name="A", value="new one")
        parameters.delete_parameter(inside, two, id_of("C"))
        uses = [(use.set_name, use.name, use.version, use.state) for use in find_value(inside, "leaked!").items]
        assert uses == [
            ("one", "A", 1, State.EARLIER),
            ("two", "A", 1, State.IN_FORCE),
            ("two", "C", 1, State.DELETED),
        ]
        roll_back(inside, one, next(use.parameter_id for use in find_value(inside, "new one").items), version=1)
        assert [use.version for use in find_value(inside, "leaked!").items] == [3, 1, 1, 1]
        assert last_act(inside)["action"] == "parameters.value_searched"
        assert last_act(inside)["detail"] == {"found": 4}
        assert not AuditRow.objects.filter(entry__contains="leaked!").exists()
        with pytest.raises(Invalid):
            find_value(inside, "")


def test_a_value_moved_to_another_row_is_not_found_there(household: Household) -> None:
    """The digest is of the row's own place: a copied one says nothing."""
    with household.enter() as inside:
        new_set(inside, A="leaked!", B="another")
        copied = ParameterVersion.objects.get(parameter__name="A").digest
        ParameterVersion.objects.filter(parameter__name="B").update(digest=copied)
        assert [use.name for use in find_value(inside, "leaked!").items] == ["A"]


def test_many_versions_as_long_are_passed_over_quickly(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    with household.enter() as inside:
        new_set(inside, A="leaked!", B="leaked!", C="leaked!")
        parameter = id_of("A")
        ParameterVersion.objects.bulk_create(
            ParameterVersion(parameter_id=parameter, version=version, sealed=b"", author="", size=7, digest=bytes(32))
            for version in range(2, 2_000)
        )
        monkeypatch.setattr(parameter_search, "MOST_USES", 2)
        with loaded(ParameterVersion) as rows, computing() as seconds:
            found = find_value(inside, "leaked!")
            assert seconds() < 3
        assert len(rows) == 2, "no row becomes an object before it is known to be shown"
        assert ([use.name for use in found.items], found.more) == (["B", "C"], 1)


def test_versions_from_before_there_were_digests_are_found(household: Household) -> None:
    with household.enter() as inside:
        new_set(inside, A="leaked!", B="another")
        ParameterVersion.objects.update(digest=None, size=0)
        assert [use.name for use in find_value(inside, "leaked!").items] == ["A"]
        assert [row.size for row in ParameterVersion.objects.all()] == [7, 7]


def test_who_may_not_write_may_not_guess(household: Household, new_person: NewPerson) -> None:
    member = household.join(new_person("member"), Role.MEMBER)
    with household.enter(member) as inside, pytest.raises(Refused):
        find_value(inside, "guess")


def test_two_first_writers_share_one_lookup_key(household: Household) -> None:
    with household.enter() as inside:
        sets = iter([new_set(inside, "one"), new_set(inside, "two")])

    def write() -> None:
        with household.enter() as inside:
            parameters.set_parameter(inside, next(sets), name="A", value="leaked!")

    at_once(write, times=2)
    with household.enter() as inside:
        assert len(find_value(inside, "leaked!").items) == 2
