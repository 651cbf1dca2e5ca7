"""Searching, finding a value, importing and reach, as the API's caller sees them."""

from __future__ import annotations

import uuid

import pytest
from django.conf import settings

from tests.portal.api.conftest import Caller
from tests.portal.api.test_access import refused

BLUE = {"name": "team", "value": "blue"}


@pytest.fixture
def made(caller: Caller) -> str:
    answer = caller.post("parameter-sets", {"name": "deploy", "filters": [[BLUE]]})
    caller.post("repositories", {"name": "api", "labels": [BLUE]})
    path = f"parameter-sets/{answer.json()['id']}"
    caller.post(f"{path}/parameters", {"name": "TOKEN", "value": "planted-1"})
    return path


def test_text_is_found(caller: Caller, made: str) -> None:
    found = caller.get("parameters/search", text="team=blue").json()
    assert [each["name"] for each in found["sets"]] == ["deploy"]
    assert [each["name"] for each in found["repositories"]] == ["api"]
    [token] = caller.get("parameters/search", text="tok").json()["parameters"]
    assert (token["set_name"], token["name"]) == ("deploy", "TOKEN")
    assert set(refused(caller.get("parameters/search", text=""), 422)["fields"]) == {"text"}


def test_a_value_is_found_by_post_alone(caller: Caller, made: str) -> None:
    [use] = caller.post("parameters/uses", {"value": "planted-1"}).json()["items"]
    assert (use["name"], use["version"], use["state"]) == ("TOKEN", 1, "in force")
    assert caller.post("parameters/uses", {"value": "planted"}).json() == {"items": [], "more": 0}
    refused(caller.get("parameters/uses", value="planted-1"), 405)


def test_guesses_are_limited(caller: Caller, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.RATES, "lookups", "3/h")
    path, body = f"{made}/import", {"format": "dotenv", "content": "TOKEN=guess", "dry_run": True}
    asked = [caller.post("parameters/uses", {"value": "guess"}).status_code for _ in range(2)]
    asked += [caller.post(path, body).status_code for _ in range(2)]
    assert asked == [200, 200, 200, 429]
    assert caller.get("parameters/search", text="token").status_code == 200


def test_an_import_is_previewed_then_done(caller: Caller, made: str) -> None:
    body = {"format": "yaml", "content": "TOKEN: planted-1\nNEW: planted-2\n"}
    preview = caller.post(f"{made}/import", {**body, "dry_run": True})
    expected = {"added": ["NEW"], "changed": [], "unchanged": ["TOKEN"], "refused": []}
    assert preview.json() == expected
    assert len(caller.get(f"{made}/parameters").json()["items"]) == 1
    done = caller.post(f"{made}/import", {**body, "reason": "Moved"})
    assert done.json() == expected
    assert [each["name"] for each in caller.get(f"{made}/parameters").json()["items"]] == ["NEW", "TOKEN"]
    bad = {"format": "dotenv", "content": "A=1\nplanted words\n"}
    looked = caller.post(f"{made}/import", {**bad, "dry_run": True})
    assert [(each["line"], each["name"]) for each in looked.json()["refused"]] == [(2, "")]
    answer = caller.post(f"{made}/import", bad)
    assert set(refused(answer, 422)["fields"]) == {"line 2"}
    assert set(refused(caller.post(f"{made}/import", {**bad, "format": "toml"}), 422)["fields"]) == {"format"}
    for each in (preview, done, looked, answer):
        assert b"planted" not in each.content


def test_reach_is_previewed(caller: Caller, made: str) -> None:
    body = {"filters": [[{"name": "team", "value": "red"}]], "set_id": made.split("/")[1]}
    seen = caller.post("parameters/reach", body).json()
    nothing: dict[str, list[str]] = {"gains": [], "switches": [], "conflicts": []}
    changed = [{"name": "api", "loses": ["TOKEN"], **nothing}]
    assert seen == {"everything": False, "matches": [], "repositories": changed, "more": 0}
    everyone = {"everything": True, "matches": ["api"], "repositories": [], "more": 0}
    assert caller.post("parameters/reach", {"filters": []}).json() == everyone


def test_names_are_previewed_with_what_wins(caller: Caller, made: str) -> None:
    base = caller.post("parameter-sets", {"name": "base", "filters": []}).json()["id"]
    caller.post(f"parameter-sets/{base}/parameters", {"name": "SHARED", "value": "planted-0"})
    [token] = caller.get(f"{made}/parameters").json()["items"]
    seen = caller.post(f"{made}/reach", {"adds": ["NEW", "SHARED"], "deletes": [token["id"]]}).json()
    switches = [{"name": "SHARED", "before": "base", "after": "deploy"}]
    conflicts = [{"name": "SHARED", "sets": ["deploy", "base"], "more": 0}]
    changed = {"gains": ["NEW"], "loses": ["TOKEN"], "switches": switches, "conflicts": conflicts}
    assert seen == {"repositories": [{"name": "api", **changed}], "more": 0}
    for nothing in ({"adds": ["TOKEN"]}, {}):
        assert caller.post(f"{made}/reach", nothing).json() == {"repositories": [], "more": 0}
    assert [each["name"] for each in caller.get(f"{made}/parameters").json()["items"]] == ["TOKEN"]
    assert set(refused(caller.post(f"{made}/reach", {"adds": ["NOT A NAME"]}), 422)["fields"]) == {"adds"}
    refused(caller.post(f"{made}/reach", {"deletes": [str(uuid.uuid4())]}), 404)
    refused(caller.post(f"parameter-sets/{base}/reach", {"deletes": [token["id"]]}), 404)


def test_previews_are_limited(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.RATES, "previews", "2/h")
    asked = [caller.post("parameters/reach", {"filters": []}).status_code for _ in range(3)]
    assert asked == [200, 200, 429]
