"""Many typed changes: what the preview says is what happens, whole or not at all, and no value is told."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from tenants.actions import parameters, repositories
from tenants.actions.parameter_bulk import apply_bulk, preview_bulk
from tenants.actions.parameter_plan import Plan, Wanted
from tenants.errors import Invalid, NotFound, Refused
from tenants.importing import Format
from tenants.records.models import AuditRow, ParameterVersion
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.tenants.actions.test_parameter_history import id_of, last_act, new_set


def wanted(text: str, *deletes: str) -> Wanted:
    return Wanted(text, Format.DOTENV, tuple(id_of(name) for name in deletes))


def test_what_is_previewed_is_done(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        set_id = new_set(inside, KEPT="same", CHANGED="old", GONE="1", OTHER="1")
        asked = wanted("KEPT=same\nCHANGED=secret\nADDED=secret\n", "GONE")
        expected = Plan(added=["ADDED"], changed=["CHANGED"], unchanged=["KEPT"], refused=[], deleted=["GONE"])
        assert preview_bulk(inside, set_id, asked) == expected
        assert ParameterVersion.objects.count() == 4
        told = {"added": 1, "changed": 1, "unchanged": 1, "refused": 0, "deleted": 1, "id": str(set_id)}
        assert (last_act(inside)["action"], last_act(inside)["detail"]) == ("parameters.bulk_previewed", told)
        assert apply_bulk(inside, set_id, asked, reason="Tidy") == expected
        done = {"set": ["ADDED", "CHANGED"], "deleted": ["GONE"], "reason": "Tidy", "id": str(set_id)}
        assert (last_act(inside)["action"], last_act(inside)["detail"]) == ("parameters.applied", done)
        values = parameters.reveal_environment(inside, "api").values
        assert values == {"ADDED": "secret", "CHANGED": "secret", "KEPT": "same", "OTHER": "1"}
        assert not AuditRow.objects.filter(entry__contains="secret").exists()
        assert "secret" not in repr((asked, expected))


@pytest.mark.parametrize("bad", ["line", "value", "both"])
def test_one_refused_line_changes_nothing(household: Household, bad: str) -> None:
    line = {"line": "secret words", "value": "BAD='secret\x00'", "both": "B=secret"}[bad]
    with household.enter() as inside:
        set_id = new_set(inside, A="1", B="2")
        asked = wanted(f"A=2\n{line}\n", "B")
        before = ParameterVersion.objects.count()
        plan = preview_bulk(inside, set_id, asked)
        assert [each.line for each in plan.refused] == [2]
        assert (plan.changed, plan.deleted) == (["A"], ["B"])
        with pytest.raises(Invalid) as refusal:
            apply_bulk(inside, set_id, asked)
        assert list(refusal.value.fields) == ["line 2"]
        assert "secret" not in repr((plan, refusal.value.fields))
        assert ParameterVersion.objects.count() == before
        assert [row.parameter.name for row in parameters.list_parameters(inside, set_id)] == ["A", "B"]


def test_what_was_changed_after_the_preview_is_looked_at_again(household: Household) -> None:
    with household.enter() as inside:
        set_id = new_set(inside, A="1")
        asked = replace(wanted("A=2\nB=2\n"), seen=parameters.get_set(inside, set_id).changed_at)
        parameters.set_parameter(inside, set_id, name="B", value="somebody else's")
        with pytest.raises(Invalid, match="set"):
            apply_bulk(inside, set_id, asked)
        again = replace(asked, seen=parameters.get_set(inside, set_id).changed_at)
        assert apply_bulk(inside, set_id, again).changed == ["A", "B"]


def test_a_full_set_takes_as_many_as_it_gives_up(household: Household) -> None:
    full = "".join(f"N{number}=1\n" for number in range(200))
    with household.enter() as inside:
        set_id = new_set(inside)
        apply_bulk(inside, set_id, Wanted(full, Format.DOTENV))
        for act in (preview_bulk, apply_bulk):
            with pytest.raises(Invalid, match="content"):
                act(inside, set_id, wanted("NEW=1\nNEWER=1\n", "N0"))
        assert apply_bulk(inside, set_id, wanted("NEW=1\n", "N0")).added == ["NEW"]


def test_only_what_is_there_is_deleted_and_only_by_who_may_write(household: Household, new_person: NewPerson) -> None:
    member = household.join(new_person("member"), Role.MEMBER)
    with household.enter() as inside:
        set_id, other = new_set(inside, A="1"), new_set(inside, "other", B="1")
        for deletes in ((uuid.uuid4(),), (id_of("B"),)):
            for act in (preview_bulk, apply_bulk):
                with pytest.raises(NotFound):
                    act(inside, set_id, Wanted("", Format.DOTENV, deletes))
        assert [row.parameter.name for row in parameters.list_parameters(inside, other)] == ["B"]
        assert apply_bulk(inside, set_id, wanted("", "A")).deleted == ["A"]
    with household.enter(member) as inside:
        for act in (preview_bulk, apply_bulk):
            with pytest.raises(Refused):
                act(inside, set_id, Wanted("A=1", Format.DOTENV))
