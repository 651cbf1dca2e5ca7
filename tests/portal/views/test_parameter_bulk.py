"""Many parameters at once: all of it, or nothing."""

from __future__ import annotations

import uuid

import pytest

from tenants.actions import parameters
from tests.conftest import Household
from tests.portal.views.conftest import Visitor, text

SECRET = "canary-value-a4d8"


@pytest.fixture
def ids(household: Household, deploy: uuid.UUID) -> dict[str, uuid.UUID]:
    with household.enter() as inside:
        return {
            name: parameters.set_parameter(inside, deploy, name=name, value="1").id for name in ("ONE", "TWO", "THREE")
        }


def test_many_are_changed_and_deleted(
    household: Household, owner: Visitor, deploy: uuid.UUID, ids: dict[str, uuid.UUID]
) -> None:
    form = {"content": f"ONE={SECRET}\nFOUR=4\n", "deletes": [ids["TWO"], ids["THREE"]], "confirmed": "on"}
    assert "2 sealed, 2 deleted." in owner.after(owner.post(f"parameters/{deploy}/many/", **form))
    with household.enter() as inside:
        assert parameters.reveal_environment(inside, "core").values == {"FOUR": "4", "ONE": SECRET}


@pytest.mark.parametrize(
    ("content", "deletes", "confirmed", "said"),
    [
        ("ONE=2\n", ["TWO"], "", "Confirm that what is ticked above should be deleted."),
        (f"ONE=2\n{SECRET}\n", [], "", "Line 2:"),
        (f"ONE={SECRET}\n", ["ONE"], "on", "ONE: This name is both set and deleted."),
        ("", [], "", "Enter values, or tick"),
    ],
)
def test_one_complaint_changes_nothing(
    household: Household,
    owner: Visitor,
    deploy: uuid.UUID,
    ids: dict[str, uuid.UUID],
    content: str,
    deletes: list[str],
    confirmed: str,
    said: str,
) -> None:
    form = {"content": content, "deletes": [ids[name] for name in deletes], "confirmed": confirmed}
    answer = owner.post(f"parameters/{deploy}/many/", **form)
    assert answer.status_code == 422
    assert said in text(answer)
    assert ("enter it again" in text(answer)) is bool(content), "the values are not given back"
    assert SECRET not in answer.content.decode()
    with household.enter() as inside:
        assert parameters.reveal_environment(inside, "core").values == dict.fromkeys(ids, "1")


def test_an_empty_set_offers_nothing_to_delete(owner: Visitor, deploy: uuid.UUID) -> None:
    assert "Delete what is ticked" not in text(owner.get(f"parameters/{deploy}/many/"))
    assert owner.post(f"parameters/{deploy}/many/", content="A=1").status_code == 302
