"""Parameter sets, as the API's caller sees them: values go in and are not shown."""

from __future__ import annotations

import json
import uuid
from typing import Any
from unittest.mock import ANY

import pytest
from django.conf import settings

from tenants.validation import MAX_VALUE_BYTES
from tests.conftest import Household
from tests.portal.api.conftest import Caller, NewCaller
from tests.portal.api.test_access import refused

FILTERS = [[{"name": "team", "value": "blue"}], [{"name": "team", "value": "red"}, {"name": "os", "value": "linux"}]]


@pytest.fixture
def made(caller: Caller) -> dict[str, Any]:
    answer = caller.post("parameter-sets", {"name": "deploy", "description": "For deploying", "filters": FILTERS})
    assert answer.status_code == 201, answer.content
    created: dict[str, Any] = answer.json()
    return created


def test_create_and_list(caller: Caller, made: dict[str, Any]) -> None:
    sorted_filters = [sorted(alternative, key=lambda label: label["name"]) for alternative in made["filters"]]
    assert sorted_filters == [sorted(group, key=lambda label: label["name"]) for group in FILTERS]
    assert caller.get("parameter-sets").json() == {"items": [made], "next": None}


def test_find_by_name(caller: Caller, made: dict[str, Any]) -> None:
    caller.post("parameter-sets", {"name": "deploy/other", "filters": []})
    assert caller.get("parameter-sets", name="deploy").json() == {"items": [made], "next": None}
    assert caller.get("parameter-sets", name="Deploy").json()["items"] == []
    assert set(refused(caller.get("parameter-sets", name=""), 422)["fields"]) == {"name"}
    assert set(refused(caller.get("parameter-sets", title="deploy"), 422)["fields"]) == {"title"}


def test_set_a_parameter(caller: Caller, made: dict[str, Any]) -> None:
    path = f"parameter-sets/{made['id']}/parameters"
    first = caller.post(path, {"name": "TOKEN", "value": "planted-9b1d"})
    assert first.status_code == 201
    assert first.json()["version"] == 1
    second = caller.post(path, {"name": "TOKEN", "value": "planted-9b1e"})
    assert second.json() == {**first.json(), "version": 2}
    listed = caller.get(path)
    assert listed.json() == {"items": [second.json()]}
    for answer in (first, second, listed, caller.get("parameter-sets")):
        assert b"planted" not in answer.content


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"value": "x"}, "name"),
        ({"name": "A"}, "value"),
        ({"name": "1A", "value": "x"}, "name"),
        ({"name": "A B", "value": "x"}, "name"),
        ({"name": "A", "value": 5}, "value"),
        ({"name": "A", "value": "nul \x00"}, "value"),
        ({"name": "A", "value": "x", "reason": "lone \ud800"}, "reason"),
        ({"name": "A", "value": "x" * 70_000}, "value"),
        ({"name": "A", "value": "ü" * 40_000}, "value"),
        ({"name": "A", "value": "x", "secret": True}, "secret"),
    ],
)
def test_bad_input_names_the_field_and_not_the_value(
    body: dict[str, Any], field: str, caller: Caller, made: dict[str, Any]
) -> None:
    answer = caller.post(f"parameter-sets/{made['id']}/parameters", body)
    assert set(refused(answer, 422)["fields"]) == {field}
    assert b"xxx" not in answer.content
    assert caller.get(f"parameter-sets/{made['id']}/parameters").json() == {"items": []}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "filters": []}, "name"),
        ({"name": "a"}, "filters"),
        ({"name": "a", "filters": [[]]}, "filters"),
        ({"name": "a", "filters": [[{"name": "t", "value": "v"}]] * 17}, "filters"),
        ({"name": "a", "filters": [{"name": "t", "value": "v"}]}, "filters.0"),
        ({"name": "a", "filters": [], "description": "x" * 501}, "description"),
    ],
)
def test_a_set_that_can_not_be(body: dict[str, Any], field: str, caller: Caller) -> None:
    assert set(refused(caller.post("parameter-sets", body), 422)["fields"]) == {field}


@pytest.mark.parametrize("left_out", ["name", "description", "filters"])
def test_a_change_that_leaves_something_out_changes_nothing(
    left_out: str, caller: Caller, made: dict[str, Any]
) -> None:
    whole = {"name": "other", "description": "", "filters": [FILTERS[0]]}
    part = {name: value for name, value in whole.items() if name != left_out}
    assert set(refused(caller.post(f"parameter-sets/{made['id']}", part), 422)["fields"]) == {left_out}
    assert caller.get("parameter-sets").json()["items"] == [made]


def test_an_empty_filter_is_warned_of(caller: Caller, made: dict[str, Any]) -> None:
    assert made["warning"] is None
    caller.post(f"parameter-sets/{made['id']}/parameters", {"name": "A", "value": "x", "expires_on": "2020-01-01"})
    changed = caller.post(f"parameter-sets/{made['id']}", {"name": "deploy", "description": "", "filters": []}).json()
    assert "builds of every repository receive this" in changed["warning"]
    assert (changed["size"], changed["expiring"]) == (1, 1)
    caller.post(f"parameter-sets/{made['id']}/delete")
    assert caller.post(f"parameter-sets/{made['id']}/restore").json() == {**changed, "changed_at": ANY}


def test_a_body_may_be_as_large_as_is_read(caller: Caller, made: dict[str, Any]) -> None:
    path, largest = f"parameter-sets/{made['id']}/changes", settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body = json.dumps({"values": [{"name": "A", "value": "\x01" * MAX_VALUE_BYTES}]})
    assert caller.post(path, body.ljust(largest)).status_code == 200
    assert str(largest) in refused(caller.post(path, body.ljust(largest + 1)), 413)["message"]


def test_a_set_that_is_not_there(caller: Caller) -> None:
    path = f"parameter-sets/{uuid.uuid4()}/parameters"
    refused(caller.get(path), 404)
    refused(caller.post(path, {"name": "A", "value": "x"}), 404)


def test_another_tenants_set(neighbour: Household, new_caller: NewCaller, made: dict[str, Any]) -> None:
    """The id is real, in another compartment."""
    stranger = new_caller(neighbour)
    refused(stranger.get(f"parameter-sets/{made['id']}/parameters"), 404)
    refused(stranger.post(f"parameter-sets/{made['id']}/parameters", {"name": "A", "value": "x"}), 404)
