"""The pages of one parameter: its versions, and of what was deleted. They show no value."""

from __future__ import annotations

import uuid

import pytest

from tenants.actions import parameters
from tenants.records.models import Parameter
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.views.conftest import NewVisitor, Visitor, text

FIRST, SECOND = "canary-value-19aa", "canary-value-52cf"


@pytest.fixture
def token(household: Household, deploy: uuid.UUID) -> str:
    """The path of a parameter with three versions, the first and the last alike."""
    with household.enter() as inside:
        for value, reason in ((FIRST, "made"), (SECOND, "leaked"), (FIRST, "")):
            made = parameters.set_parameter(inside, deploy, name="TOKEN", value=value, reason=reason)
    return f"parameters/{deploy}/{made.id}/"


def test_every_version_says_who_when_and_why(owner: Visitor, household: Household, token: str) -> None:
    page = owner.get(token)
    assert all(words in text(page) for words in ("3 in force", "leaked", "made", "none given", "16 to 31 bytes"))
    assert household.owner.label in text(page)
    assert not any(value in page.content.decode() for value in (FIRST, SECOND))


def test_two_versions_are_compared_without_being_shown(owner: Visitor, token: str) -> None:
    same, other = owner.get(token, left="3", right="1"), owner.get(token, left="3", right="2")
    assert "Versions 3 and 1 hold the same value." in text(same)
    assert "Versions 3 and 2 hold different values." in text(other)
    assert not any(value in other.content.decode() for value in (FIRST, SECOND))
    assert owner.get(token, left="3", right="9").status_code == 422


def test_a_value_is_rolled_back_by_who_may_write(household: Household, owner: Visitor, token: str) -> None:
    assert "back to version 2?" in text(owner.get(f"{token}roll-back/", version="2"))
    page = owner.after(owner.post(f"{token}roll-back/", version="2", reason="Too early"))
    assert "TOKEN is back at version 2, sealed anew as version 4." in page
    assert "Too early" in page
    with household.enter() as inside:
        assert parameters.reveal_environment(inside, "core").values == {"TOKEN": SECOND}


@pytest.mark.parametrize("version", ["3", "0", "9", "x", ""])
def test_only_an_earlier_version_can_be_gone_back_to(owner: Visitor, token: str, version: str) -> None:
    assert owner.get(f"{token}roll-back/", version=version).status_code == 404
    assert owner.post(f"{token}roll-back/", version=version).status_code == 404


def test_who_may_only_look_is_offered_no_changes(
    household: Household, new_person: NewPerson, visit: NewVisitor, token: str
) -> None:
    auditor = visit(household, household.join(new_person(), Role.AUDITOR))
    page = auditor.get(token)
    assert "leaked" in text(page)
    assert "Roll back" not in text(page)


def test_a_deleted_parameter_is_restored(household: Household, owner: Visitor, deploy: uuid.UUID, token: str) -> None:
    owner.after(owner.post(f"{token}delete/"))
    page = text(owner.get(f"parameters/{deploy}/deleted/"))
    assert "TOKEN" in page
    assert "in 30 days" in page
    owner.after(owner.post(f"parameters/{deploy}/put/", name="TOKEN", value="other"))
    refused = owner.after(owner.post(f"{token}restore/"))
    assert "another parameter of this name" in refused
    with household.enter():
        other = Parameter.objects.get(deleted_at=None).id
    owner.after(owner.post(f"parameters/{deploy}/{other}/delete/"))
    assert "TOKEN was restored." in owner.after(owner.post(f"{token}restore/"))


def test_a_deleted_set_is_restored(household: Household, owner: Visitor, deploy: uuid.UUID, token: str) -> None:
    owner.after(owner.post(f"parameters/{deploy}/delete/"))
    assert owner.get(token).status_code == 404
    assert "deploy" in text(owner.get("parameters/deleted/"))
    assert "deploy was restored" in owner.after(owner.post(f"parameters/{deploy}/restore/"))
    assert "Nothing to restore" in text(owner.get("parameters/deleted/"))
    with household.enter() as inside:
        assert parameters.reveal_environment(inside, "core").values == {"TOKEN": FIRST}
