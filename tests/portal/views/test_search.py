"""Searching by what is shown, and by an exact value."""

from __future__ import annotations

import uuid

import pytest

from tenants.actions import parameters
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.views.conftest import NewVisitor, Visitor, text

SECRET = "canary-value-e07f"


@pytest.fixture
def token(household: Household, deploy: uuid.UUID) -> uuid.UUID:
    with household.enter() as inside:
        made = parameters.set_parameter(inside, deploy, name="TOKEN", value=SECRET, description="Registry")
    return made.id


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("registry", "Parameters Name Set Expires TOKEN Registry deploy"),
        ("team=docs", "Repositories Name Labels docs"),
        ("DEPLOY", "Parameter sets Name For repositories with deploy"),
        ("nowhere", "Nothing has that in its name"),
    ],
)
def test_what_is_shown_is_found(owner: Visitor, token: uuid.UUID, wanted: str, said: str) -> None:
    assert said in text(owner.get("parameters/search/", text=wanted))


def test_an_empty_search_is_refused(owner: Visitor) -> None:
    assert owner.get("parameters/search/").status_code == 200
    assert owner.get("parameters/search/", text=" ").status_code == 422


def test_a_value_is_found_and_not_shown(owner: Visitor, token: uuid.UUID) -> None:
    answer = owner.post("parameters/search/value/", value=SECRET)
    assert "Stored in 1 version" in text(answer)
    assert "TOKEN deploy 1 in force" in text(answer)
    assert SECRET not in answer.content.decode()
    assert "No parameter holds this value" in text(owner.post("parameters/search/value/", value=f"{SECRET}\n"))
    assert owner.post("parameters/search/value/", value="").status_code == 422


def test_a_search_for_a_value_is_no_address(owner: Visitor, token: uuid.UUID) -> None:
    assert "Stored in" not in text(owner.get("parameters/search/value/", value=SECRET))


def test_who_may_only_look_is_not_offered_values(
    household: Household, new_person: NewPerson, visit: NewVisitor
) -> None:
    auditor = visit(household, household.join(new_person(), Role.AUDITOR))
    assert "By value" not in text(auditor.get("parameters/search/"))
