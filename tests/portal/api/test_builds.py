"""Builds over the API: a start event that opens nothing by itself, and a token that opens one build's own alone."""

from __future__ import annotations

import dataclasses
import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from joserfc.jwk import OKPKey

from portal.pages.events import BUILD_STARTED, BuildStarted
from secrets_vault import same_value
from tenants.actions import builds, repositories
from tenants.records.models import Repository
from tests.conftest import Household
from tests.portal.api.building import Running, begin, row_of, stock
from tests.portal.api.conftest import Caller, NewCaller, new_client
from tests.portal.api.test_access import refused


@pytest.fixture
def stocked(household: Household) -> Household:
    return stock(household)


@pytest.fixture
def caller(stocked: Household, new_caller: NewCaller) -> Caller:
    return new_caller(stocked)


@pytest.fixture
def build(caller: Caller) -> Running:
    return begin(caller)


def test_the_event_is_what_its_schema_says_and_opens_nothing_by_itself(caller: Caller, stocked: Household) -> None:
    build = begin(caller, revision="main", overrides={"EXTRA": "mitgebracht"})
    assert build.event["type"] == BUILD_STARTED
    BuildStarted.model_validate_json(json.dumps(build.event))
    assert build.event["overrides"] == ["EXTRA"]
    raw = json.dumps(build.event).encode()
    assert b"geheim" not in raw
    assert b"mitgebracht" not in raw
    assert str(build.caller.token).encode() not in raw


def test_the_whole_way(build: Running, stocked: Household) -> None:
    content = build.open(build.event["environment"])
    assert content["values"] == {"SECRET": f"geheim-api-{stocked.slug}"}
    assert (content["tenant"], content["build"], content["repository"]) == (stocked.slug, build.id, "api")
    answer = build.caller.post(f"builds/{build.id}/end", {"outcome": "succeeded"})
    assert answer.json()["outcome"] == "succeeded"
    row = row_of(stocked, build)
    assert (row.sealed_key, row.sealed_overrides) == (None, None)
    refused(build.caller.post("crypto/decrypt-key", {"enc": build.event["enc"]}), 401)


def test_the_triggers_parameters_override_stored_ones(caller: Caller, stocked: Household) -> None:
    build = begin(caller, overrides={"SECRET": "for this run", "MORE": "1"})
    for sealed in (
        build.event["environment"],
        build.caller.post(f"builds/{build.id}/environment").json()["jwe"],
    ):
        content = build.open(sealed)
        assert content["values"] == {"SECRET": "for this run", "MORE": "1"}
        assert content["overridden"] == ["MORE", "SECRET"]
    stored = bytes(row_of(stocked, build).sealed_overrides or b"")
    assert stored
    assert b"for this run" not in stored


def test_a_build_reads_its_own_keys(build: Running) -> None:
    [key] = build.open(build.caller.post(f"builds/{build.id}/ssh-keys").json()["jwe"])["keys"]
    assert key["name"] == "deploy-api"
    assert key["private_key"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")


def test_each_opening_is_in_the_log_first(build: Running, stocked: Household) -> None:
    build.key()
    build.caller.post(f"builds/{build.id}/environment")
    build.caller.post(f"builds/{build.id}/ssh-keys")
    with stocked.enter() as inside:
        acts = [json.loads(row.entry) for row in builds.acts_of_build(inside, row_of(stocked, build)).entries]
    assert [act["action"] for act in acts] == [
        "build.started",
        "build.key_opened",
        "build.environment_revealed",
        "build.ssh_keys_revealed",
    ]
    assert acts[0]["detail"]["names"] == acts[2]["detail"]["names"] == ["SECRET"]
    assert acts[3]["detail"]["names"] == ["deploy-api"]
    assert {act["token"] for act in acts[1:]} == {str(build.caller.row.id)}
    assert all(act["address"] and act["subject"] == "api" for act in acts)
    assert not any("geheim" in json.dumps(act) for act in acts)


def test_another_builds_key_does_not_open(caller: Caller, build: Running) -> None:
    """Not of the same repository either; and changed bytes open nothing."""
    other = begin(caller)
    refused(other.caller.post("crypto/decrypt-key", {"enc": build.event["enc"]}), 404)
    raw = bytearray(b64decode(build.event["enc"]))
    raw[-1] ^= 1
    refused(build.caller.post("crypto/decrypt-key", {"enc": b64encode(raw).decode()}), 404)
    assert set(refused(build.caller.post("crypto/decrypt-key", {"enc": "?"}), 422)["fields"]) == {"enc"}
    assert not same_value(b64decode(build.event["enc"]), b64decode(other.event["enc"]))


def test_a_person_unwraps_no_key(caller: Caller, build: Running) -> None:
    for path, body in (
        ("crypto/decrypt-key", {"enc": build.event["enc"]}),
        (f"builds/{build.id}/environment", None),
        (f"builds/{build.id}/ssh-keys", None),
    ):
        assert "builds:use" in refused(caller.post(path, body), 403)["message"]


def test_deleting_the_repository_ends_its_builds(build: Running, stocked: Household) -> None:
    with stocked.enter() as inside:
        repositories.delete_repository(inside, Repository.objects.get(name="api").id)
    refused(build.caller.post("crypto/decrypt-key", {"enc": build.event["enc"]}), 401)
    row = row_of(stocked, build)
    assert (row.outcome, row.sealed_key, row.repository_id) == ("cancelled", None, None)
    assert row.repository_name == "api"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"ttl": 59}, "ttl"),
        ({"ttl": 86_401}, "ttl"),
        ({"overrides": {"1 BAD": "x"}}, "overrides"),
        ({"revision": "a\nb"}, "revision"),
        ({"repository": "lone \ud800"}, "repository"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_build_that_can_not_be(sent: dict[str, Any], field: str, caller: Caller) -> None:
    key = OKPKey.generate_key("X25519").as_dict(private=False)
    assert set(refused(caller.post("builds", {"repository": "api", "key": key, **sent}), 422)["fields"]) == {field}
    assert caller.get("builds").json()["items"] == []


def test_a_repository_that_is_not_there(caller: Caller) -> None:
    key = OKPKey.generate_key("X25519").as_dict(private=False)
    refused(caller.post("builds", {"repository": "none", "key": key}), 404)


def test_the_list_goes_on(caller: Caller) -> None:
    made = [begin(caller).id for _ in range(3)]
    first = caller.get("builds", size=2).json()
    rest = caller.get("builds", size=2, after=first["next"]).json()
    assert [item["id"] for item in (*first["items"], *rest["items"])] == made[::-1]
    assert caller.get(f"builds/{made[0]}").json()["outcome"] == "running"


def test_a_build_ends_once(caller: Caller, build: Running) -> None:
    assert caller.post(f"builds/{build.id}/end", {"outcome": "cancelled"}).status_code == 200
    assert set(refused(caller.post(f"builds/{build.id}/end", {"outcome": "failed"}), 422)["fields"]) == {"outcome"}


def test_openings_are_limited(build: Running, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "build-keys": "2/m"}
    body = {"enc": build.event["enc"]}
    calls = [dataclasses.replace(build.caller, client=new_client()) for _ in range(3)]
    assert [call.post("crypto/decrypt-key", body).status_code for call in calls] == [200, 200, 429]
