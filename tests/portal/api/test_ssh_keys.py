"""SSH keys, as the API's caller sees them."""

from __future__ import annotations

import pytest
from joserfc.jwk import OKPKey

from tenants.actions import repositories, ssh_keys
from tests.conftest import Household
from tests.portal.api.conftest import Caller, NewCaller
from tests.portal.api.test_access import refused
from tests.portal.api.test_repositories import unseal


@pytest.fixture
def stocked(household: Household) -> Household:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[("team", "blue")])
        repositories.create_repository(inside, name="web", url="", labels=[("team", "red")])
        ssh_keys.generate_key(inside, name="deploy/blue", filters=[[("team", "blue")]])
    return household


@pytest.fixture
def caller(stocked: Household, new_caller: NewCaller) -> Caller:
    return new_caller(stocked)


def body(repository: str, key: OKPKey | None = None) -> dict[str, object]:
    return {"repository": repository, "key": (key or OKPKey.generate_key("X25519")).as_dict(private=False)}


def test_list_shows_public_halves(caller: Caller) -> None:
    answer = caller.get("ssh-keys")
    [listed] = answer.json()["items"]
    assert listed["kind"] == "ssh-ed25519"
    assert listed["public"].startswith("ssh-ed25519 ")
    assert listed["fingerprint"].startswith("SHA256:")
    assert b"PRIVATE" not in answer.content


def test_fetch_is_sealed_to_whoever_asked(caller: Caller) -> None:
    key = OKPKey.generate_key("X25519")
    answer = caller.post("ssh-keys/deploy/blue/fetch", body("api", key))
    assert b"PRIVATE" not in answer.content
    content = unseal(key, answer)
    assert content["private_key"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert (content["tenant"], content["name"], content["repository"]) == (caller.slug, "deploy/blue", "api")


@pytest.mark.parametrize(("name", "repository"), [("deploy/blue", "web"), ("deploy/blue", "none"), ("none", "api")])
def test_out_of_reach_looks_like_missing(name: str, repository: str, caller: Caller) -> None:
    refused(caller.post(f"ssh-keys/{name}/fetch", body(repository)), 404)


def test_the_repository_must_be_named(caller: Caller) -> None:
    answer = caller.post("ssh-keys/deploy/blue/fetch", {"key": body("api")["key"]})
    assert set(refused(answer, 422)["fields"]) == {"repository"}
