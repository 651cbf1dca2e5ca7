"""What became of parameters, as the API's caller sees it: versions without values, going back, deleting, restoring."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.api.conftest import Caller, NewCaller
from tests.portal.api.test_access import refused


@pytest.fixture
def made(caller: Caller) -> str:
    answer = caller.post("parameter-sets", {"name": "deploy", "filters": []})
    return f"parameter-sets/{answer.json()['id']}"


@pytest.fixture
def token(caller: Caller, made: str) -> dict[str, Any]:
    """A parameter of two versions."""
    caller.post(f"{made}/parameters", {"name": "TOKEN", "value": "planted-1"})
    body = {"name": "TOKEN", "value": "planted-2", "reason": "It leaked", "kind": "file", "expires_on": "2030-01-31"}
    answer = caller.post(f"{made}/parameters", {**body, "description": "For deploying"})
    assert answer.status_code == 201, answer.content
    assert answer.json()["expires_on"] == "2030-01-31"
    return dict(answer.json())


def test_versions_and_going_back(caller: Caller, made: str, token: dict[str, Any]) -> None:
    path = f"{made}/parameters/{token['id']}"
    listed = caller.get(f"{path}/versions")
    second, first = listed.json()["items"]
    assert (second["version"], second["reason"], second["in_force"]) == (2, "It leaked", True)
    assert first["length"] == "8 to 15 bytes"
    assert first["fingerprint"] != second["fingerprint"]
    back = caller.post(f"{path}/roll-back", {"version": 1, "reason": "Too early"})
    assert back.json() == {**token, "version": 3}
    compared = caller.get(f"{path}/comparison", left=1, right=3)
    assert compared.json()["same"] is True
    assert caller.get(f"{path}/comparison", left=1, right=2).json()["same"] is False
    for answer in (listed, back, compared):
        assert b"planted" not in answer.content
    page = caller.get(f"{path}/versions", size=2).json()
    assert [each["version"] for each in caller.get(f"{path}/versions", after=page["next"]).json()["items"]] == [1]
    assert set(refused(caller.post(f"{path}/roll-back", {"version": 3}), 422)["fields"]) == {"version"}
    refused(caller.post(f"{path}/roll-back", {"version": 9}), 404)
    refused(caller.get(f"{path}/comparison", left=1, right=9), 404)
    assert set(refused(caller.get(f"{path}/comparison", left=1), 422)["fields"]) == {"right"}


def test_deleting_and_restoring(caller: Caller, made: str, token: dict[str, Any]) -> None:
    path = f"{made}/parameters/{token['id']}"
    assert caller.post(f"{path}/delete").json() == {"id": token["id"]}
    assert caller.get(f"{made}/parameters").json()["items"] == []
    [deleted] = caller.get(f"{made}/deleted-parameters").json()["items"]
    assert (deleted["id"], deleted["name"]) == (token["id"], "TOKEN")
    assert deleted["deleted_at"] < deleted["shredded_at"]
    refused(caller.get(f"{path}/versions"), 404)
    assert caller.post(f"{path}/restore").json() == token
    refused(caller.get(f"deleted-{made}/reach"), 404)
    caller.post(f"{made}/delete")
    assert [each["name"] for each in caller.get("deleted-parameter-sets").json()["items"]] == ["deploy"]
    assert caller.get(f"deleted-{made}/reach").json() == {"repositories": [], "more": 0}
    caller.post("parameter-sets", {"name": "deploy", "filters": []})
    assert set(refused(caller.post(f"{made}/restore"), 422)["fields"]) == {"name"}
    refused(caller.post(f"{made}/delete"), 404)


def test_changing_a_set_and_many_values(caller: Caller, made: str, token: dict[str, Any]) -> None:
    body = {"name": "other", "description": "More", "filters": [[{"name": "a", "value": "b"}]]}
    assert body.items() <= caller.post(made, body).json().items()
    changes = {"values": [{"name": "A", "value": "planted-3"}], "deletes": [token["id"]], "reason": "Tidy"}
    answer = caller.post(f"{made}/changes", changes)
    assert [each["name"] for each in answer.json()["items"]] == ["A"]
    wrong = {"values": [{"name": "B", "value": "planted-4"}, {"name": "1", "value": "planted-5"}]}
    answer = caller.post(f"{made}/changes", wrong)
    assert set(refused(answer, 422)["fields"]) == {"1"}
    assert b"planted" not in answer.content
    [kept] = caller.get(f"{made}/parameters").json()["items"]
    assert kept["name"] == "A"
    noted = caller.post(f"{made}/parameters/{kept['id']}", {"description": "Noted", "expires_on": "2020-01-01"})
    assert (noted.json()["description"], noted.json()["version"]) == ("Noted", 1)
    [soon] = caller.get("parameters/expiring", days=0).json()["items"]
    assert (soon["name"], soon["set_name"]) == ("A", "other")
    for bad in ({"description": ""}, {"description": "", "expires_on": "soon"}):
        assert set(refused(caller.post(f"{made}/parameters/{kept['id']}", bad), 422)["fields"]) == {"expires_on"}


def test_a_member_looks_and_changes_nothing(
    household: Household, new_caller: NewCaller, new_person: NewPerson, made: str, token: dict[str, Any]
) -> None:
    member = new_caller(household, household.join(new_person("member"), Role.MEMBER))
    path = f"{made}/parameters/{token['id']}"
    assert member.get(f"{path}/versions").status_code == 200
    for act in (f"{path}/delete", f"{path}/restore", f"{made}/delete", f"{made}/restore", f"{path}/roll-back"):
        refused(member.post(act, {}), 403)
    refused(member.post(f"{made}/changes", {}), 403)
    refused(member.post("parameters/uses", {"value": "planted-1"}), 403)


def test_another_tenants(neighbour: Household, new_caller: NewCaller, made: str, token: dict[str, Any]) -> None:
    """The ids are real, in another compartment."""
    stranger = new_caller(neighbour)
    path = f"{made}/parameters/{token['id']}"
    for act in (f"{path}/versions", f"{path}/comparison?left=1&right=2"):
        refused(stranger.get(act), 404)
    for act in (f"{path}/delete", f"{path}/restore", f"{made}/delete", f"{made}/restore"):
        refused(stranger.post(act), 404)
    refused(stranger.post(f"{path}/roll-back", {"version": 1}), 404)
    refused(stranger.post(f"{made}/changes", {"deletes": [token["id"]]}), 404)
    refused(stranger.post(f"{made}/import", {"format": "dotenv", "content": "A=1"}), 404)
    refused(stranger.post("parameters/reach", {"filters": [], "set_id": made.split("/")[1]}), 404)
    refused(stranger.get(f"parameter-sets/{uuid.uuid4()}/parameters"), 404)
