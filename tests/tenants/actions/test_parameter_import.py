"""Import: what the preview says is what happens, whole or not at all, and no value is told."""

from __future__ import annotations

import pytest

from tenants.actions import parameters, repositories
from tenants.actions.parameter_import import Format, import_parameters, preview_import
from tenants.actions.parameter_plan import Plan
from tenants.errors import Invalid, NotFound, Refused
from tenants.records.models import AuditRow, ParameterVersion
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.tenants.actions.test_parameter_history import last_act, new_set

TEXTS = {
    Format.DOTENV: "KEPT=same\nCHANGED='new value'\nADDED=secret\n",
    Format.JSON: '{"KEPT": "same", "CHANGED": "new value", "ADDED": "secret"}',
    Format.YAML: "KEPT: same\nCHANGED: new value\nADDED: secret\n",
}


@pytest.mark.parametrize("form", Format)
def test_what_is_previewed_is_stored(household: Household, form: Format) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        set_id = new_set(inside, KEPT="same", CHANGED="old value", OTHER="1")
        expected = Plan(added=["ADDED"], changed=["CHANGED"], unchanged=["KEPT"], refused=[])
        assert preview_import(inside, set_id, text=TEXTS[form], form=form) == expected
        assert ParameterVersion.objects.count() == 3
        counts = {"added": 1, "changed": 1, "unchanged": 1, "refused": 0, "id": str(set_id)}
        assert (last_act(inside)["action"], last_act(inside)["detail"]) == ("parameters.import_previewed", counts)
        assert import_parameters(inside, set_id, text=TEXTS[form], form=form, reason="Moved") == expected
        told = {"added": ["ADDED"], "changed": ["CHANGED"], "reason": "Moved", "id": str(set_id)}
        assert last_act(inside)["detail"] == told
        versions = {row.parameter.name: (row.version, row.reason) for row in parameters.list_parameters(inside, set_id)}
        assert versions == {"ADDED": (1, "Moved"), "CHANGED": (2, "Moved"), "KEPT": (1, ""), "OTHER": (1, "")}
        values = parameters.reveal_environment(inside, "api").values
        assert values == {"ADDED": "secret", "CHANGED": "new value", "KEPT": "same", "OTHER": "1"}
        assert not AuditRow.objects.filter(entry__contains="secret").exists()
        again = import_parameters(inside, set_id, text=TEXTS[form], form=form)
        assert again.unchanged == ["ADDED", "CHANGED", "KEPT"]


def test_one_bad_line_stores_nothing(household: Household) -> None:
    text = "GOOD=1\nno line\nBAD='secret\x00'\nGOOD=2\n"
    with household.enter() as inside:
        set_id = new_set(inside)
        preview = preview_import(inside, set_id, text=text, form=Format.DOTENV)
        assert [(each.line, each.name) for each in preview.refused] == [(2, ""), (3, "BAD"), (4, "GOOD")]
        with pytest.raises(Invalid) as refusal:
            import_parameters(inside, set_id, text=text, form=Format.DOTENV)
        assert list(refusal.value.fields) == ["line 2", "line 3", "line 4"]
        assert "secret" not in repr((preview, refusal.value.fields))
        assert ParameterVersion.objects.count() == 0


def test_a_set_takes_no_more_than_it_holds(household: Household) -> None:
    text = "".join(f"N{number}=1\n" for number in range(201))
    with household.enter() as inside:
        set_id = new_set(inside)
        for act in (preview_import, import_parameters):
            with pytest.raises(Invalid, match="content"):
                act(inside, set_id, text=text, form=Format.DOTENV)
        assert len(import_parameters(inside, set_id, text=text[:-7], form=Format.DOTENV).added) == 200


def test_who_may_not_write_may_not_look(household: Household, new_person: NewPerson) -> None:
    member = household.join(new_person("member"), Role.MEMBER)
    with household.enter() as inside:
        set_id = new_set(inside, A="1")
        parameters.delete_set(inside, new_set(inside, "deleted"))
    with household.enter(member) as inside:
        for act in (preview_import, import_parameters):
            with pytest.raises(Refused):
                act(inside, set_id, text="A=1", form=Format.DOTENV)


def test_a_deleted_set_takes_nothing(household: Household) -> None:
    with household.enter() as inside:
        set_id = new_set(inside)
        parameters.delete_set(inside, set_id)
        with pytest.raises(NotFound):
            import_parameters(inside, set_id, text="A=1", form=Format.DOTENV)
