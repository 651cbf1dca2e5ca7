"""SSH keys, as the API's caller sees them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key
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


def public_half(private: bytes) -> str:
    public = load_ssh_private_key(private, password=None).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def test_list_shows_public_halves(caller: Caller) -> None:
    answer = caller.get("ssh-keys")
    [listed] = answer.json()["items"]
    assert listed["kind"] == "ssh-ed25519"
    assert listed["public"].startswith("ssh-ed25519 ")
    assert listed["fingerprint"].startswith("SHA256:")
    assert b"PRIVATE" not in answer.content


def test_generate_shows_the_public_half_alone(caller: Caller) -> None:
    filters = [[{"name": "team", "value": "blue"}], [{"name": "os", "value": "linux"}]]
    answer = caller.post("ssh-keys", {"name": "release", "filters": filters})
    assert answer.status_code == 201
    assert b"PRIVATE" not in answer.content
    made = answer.json()
    assert (made["kind"], made["filters"]) == ("ssh-ed25519", filters)
    assert made in caller.get("ssh-keys").json()["items"]
    key = OKPKey.generate_key("X25519")
    private = unseal(key, caller.post("ssh-keys/release/fetch", body("api", key)))["private_key"].encode()
    assert made["public"].startswith(public_half(private))


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"name": "release"}, "filters"),  # for every repository: only when it is said
        ({"filters": []}, "name"),
        ({"name": "deploy/blue", "filters": []}, "name"),
        ({"name": "a\nb", "filters": []}, "name"),
        ({"name": "release", "filters": [[]]}, "filters"),
        ({"name": "release", "filters": [], "private_key": "x"}, "private_key"),
    ],
)
def test_a_key_that_can_not_be(sent: dict[str, object], field: str, caller: Caller) -> None:
    assert set(refused(caller.post("ssh-keys", sent), 422)["fields"]) == {field}
    assert len(caller.get("ssh-keys").json()["items"]) == 1


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
