"""Builds over the API: a start event that opens nothing by itself, and a token that opens one build's own alone."""

from __future__ import annotations

import dataclasses
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey, OKPKey

from portal.pages.events import BUILD_STARTED, BuildStarted
from secrets_vault import same_value
from tenants.actions import builds, parameters, repositories, ssh_keys
from tenants.records.models import Build, Repository
from tenants.registry.models import AccessToken, Membership
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.api.conftest import Caller, NewCaller, new_client
from tests.portal.api.test_access import DOORS, NOTHINGS_ID, Door, refused


@dataclasses.dataclass(frozen=True)
class Running:
    """A build as a build system sees it: its event, and a caller that holds its token."""

    event: dict[str, Any]
    caller: Caller

    @property
    def id(self) -> str:
        return str(self.event["build"])

    def key(self) -> bytes:
        answer = self.caller.post("crypto/decrypt-key", {"enc": self.event["enc"]})
        assert answer.status_code == 200, answer.content
        return b64decode(answer.json()["key"])

    def open(self, sealed: str) -> dict[str, Any]:
        opened = jwe.decrypt_compact(sealed, OctKey.import_key(self.key()), algorithms=["dir", "A256GCM"])
        return dict(json.loads(opened.plaintext or b""))


Start = Callable[..., Running]


def stock(household: Household) -> Household:
    """Two repositories, with a value and a key for each that no other may see."""
    with household.enter() as inside:
        for name in ("api", "web"):
            repositories.create_repository(inside, name=name, url="", labels=[("for", name)])
            made = parameters.create_set(inside, name=name, description="", filters=[[("for", name)]])
            parameters.set_parameter(inside, made.id, name="SECRET", value=f"geheim-{name}-{household.slug}")
            ssh_keys.generate_key(inside, name=f"deploy-{name}", filters=[[("for", name)]])
    return household


@pytest.fixture
def stocked(household: Household) -> Household:
    return stock(household)


@pytest.fixture
def caller(stocked: Household, new_caller: NewCaller) -> Caller:
    return new_caller(stocked)


def begin(caller: Caller, repository: str = "api", **more: Any) -> Running:
    key = OKPKey.generate_key("X25519")
    answer = caller.post("builds", {"repository": repository, "key": key.as_dict(private=False), **more})
    assert answer.status_code == 201, answer.content
    event = answer.json()["event"]
    opened = jwe.decrypt_compact(answer.json()["token"]["jwe"], key, algorithms=["ECDH-ES", "A256GCM"])
    sealed = json.loads(opened.plaintext or b"")
    assert sealed["build"] == event["build"]
    row = AccessToken.objects.get(build_id=event["build"])
    return Running(event, dataclasses.replace(caller, client=new_client(), token=sealed["token"], row=row))


@pytest.fixture
def build(caller: Caller) -> Running:
    return begin(caller)


def row_of(household: Household, build: Running) -> Build:
    with household.enter():
        return Build.objects.get(id=build.id)


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
        acts = [json.loads(row.entry) for row in builds.acts_of_build(inside, row_of(stocked, build))]
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


# Each is about the token's own build, or refuses; the last certifies a key as what the token's own build is.
OWN = ("/end", "/environment", "/ssh-keys", "/decrypt-key", "POST /api/v1/tenants/{tenant}/ssh-certificates")


def test_what_a_build_may_call_is_a_short_list() -> None:
    open_to_builds = [door for door in DOORS if door.bearer.builds]
    assert len(open_to_builds) == len(OWN)
    assert all(str(door).endswith(OWN) and door.method == "POST" for door in open_to_builds)


def test_a_builds_token_opens_nothing_else(build: Running, stocked: Household) -> None:
    """Not even in its own tenant, for its own repository; and reading, not only writing."""
    for door in DOORS:
        if not door.bearer.builds:
            answer = ask(build.caller, door, build, stocked)
            assert "build's token" in refused(answer, 403)["message"], door


def ask(caller: Caller, door: Door, build: Running, household: Household) -> Any:
    """Ask an operation for all that names this build and its repository, at an address of the caller's own."""
    path = door.path.replace(NOTHINGS_ID, build.id).replace("/name/", "/api/").replace("{tenant}", household.slug)
    asking = dataclasses.replace(caller, client=new_client())
    if door.method == "GET":
        return asking.get(path)
    if path.endswith("decrypt-key"):
        return asking.post(path, {"enc": build.event["enc"]})
    return asking.post(path, {"outcome": "failed"} if path.endswith("/end") else None)


@pytest.mark.parametrize("whose", ["another repository", "another tenant", "an ended build", "nobody"])
def test_no_call_gets_what_is_another_builds(
    whose: str, build: Running, stocked: Household, others: Callable[[str], Caller]
) -> None:
    """Every operation, with the token of another build."""
    other = others(whose)
    for door in DOORS:
        answer = ask(other, door, build, stocked)
        refused(answer, answer.status_code)
        if whose in {"an ended build", "nobody"}:
            expected = 401
        elif door.path.endswith("/ssh-certificates") and door.method == "POST":
            expected = 422 if whose == "another repository" else 404  # it takes nothing that could name another build
        else:
            expected = 404 if door.bearer.builds else 403
        assert answer.status_code == expected, door
    assert row_of(stocked, build).outcome == "running"


@pytest.fixture
def others(caller: Caller, neighbour: Household, new_caller: NewCaller) -> Callable[[str], Caller]:
    """Whoever else might ask."""

    def other(whose: str) -> Caller:
        match whose:
            case "another tenant":
                return begin(new_caller(stock(neighbour))).caller
            case "nobody":
                return dataclasses.replace(caller, token=None)
            case "another repository":
                return begin(caller, "web").caller
            case _:
                ended = begin(caller)
                assert caller.post(f"builds/{ended.id}/end", {"outcome": "cancelled"}).status_code == 200
                return ended.caller

    return other


def test_a_build_of_the_neighbours_at_its_own_tenant(
    neighbour: Household, new_caller: NewCaller, build: Running
) -> None:
    """The other way round: at its own address, with the name of our build."""
    theirs = begin(new_caller(stock(neighbour)))
    for path in (f"builds/{build.id}/environment", f"builds/{build.id}/ssh-keys"):
        refused(theirs.caller.post(path), 404)
    refused(theirs.caller.post("crypto/decrypt-key", {"enc": build.event["enc"]}), 404)
    refused(theirs.caller.post(f"builds/{build.id}/end", {"outcome": "failed"}), 404)


def test_deleting_the_repository_ends_its_builds(build: Running, stocked: Household) -> None:
    with stocked.enter() as inside:
        repositories.delete_repository(inside, Repository.objects.get(name="api").id)
    refused(build.caller.post("crypto/decrypt-key", {"enc": build.event["enc"]}), 401)
    row = row_of(stocked, build)
    assert (row.outcome, row.sealed_key, row.repository_id) == ("cancelled", None, None)
    assert row.repository_name == "api"


def test_a_token_that_outlived_its_build_opens_nothing(build: Running, stocked: Household) -> None:
    """The build's own row decides, not only the token's: here the token was not revoked."""
    build.key()
    with stocked.enter():
        Build.objects.filter(id=build.id).update(outcome="failed")
    for path in (f"builds/{build.id}/environment", f"builds/{build.id}/ssh-keys"):
        refused(build.caller.post(path), 404)
    refused(build.caller.post("crypto/decrypt-key", {"enc": build.event["enc"]}), 404)


def test_who_lost_the_right_to_build_lost_the_builds_too(
    stocked: Household, new_person: NewPerson, new_caller: NewCaller
) -> None:
    person = stocked.join(new_person(), Role.MEMBER)
    build = begin(new_caller(stocked, person))
    build.key()
    Membership.objects.filter(person=person, tenant=stocked.tenant).update(role=Role.AUDITOR)
    refused(build.caller.post("crypto/decrypt-key", {"enc": build.event["enc"]}), 403)
    Membership.objects.filter(person=person, tenant=stocked.tenant).delete()
    refused(build.caller.post("crypto/decrypt-key", {"enc": build.event["enc"]}), 404)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"ttl": 59}, "ttl"),
        ({"ttl": 86_401}, "ttl"),
        ({"overrides": {"1 BAD": "x"}}, "overrides"),
        ({"revision": "a\nb"}, "revision"),
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
