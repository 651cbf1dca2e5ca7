"""SSH keys, as the API's caller sees them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key
from django.conf import settings
from django.test import override_settings
from joserfc.jwk import OKPKey

from tenants import ssh_formats
from tenants.actions import repositories, ssh_keys
from tests.conftest import Household
from tests.portal.api.conftest import Caller, NewCaller
from tests.portal.api.test_access import refused
from tests.portal.api.test_repositories import unseal
from tests.portal.views.conftest import NewVisitor, visit

__all__ = ["visit"]  # pytest finds it here

ED25519 = ssh_formats.generate("").public


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
    assert (made["kind"], made["filters"], made["warning"]) == ("ssh-ed25519", filters, None)
    everyone = caller.post("ssh-keys", {"name": "everyone", "filters": []}).json()
    assert "builds of every repository receive this" in everyone["warning"]
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


HOST = f"git.example.org {ED25519}"


def test_a_key_is_rotated_and_the_old_one_retired(caller: Caller) -> None:
    first = caller.get("ssh-keys").json()["items"][0]
    second = caller.post("ssh-keys/deploy/blue/rotate", {})
    assert second.status_code == 201
    assert (second.json()["generation"], second.json()["filters"]) == (2, first["filters"])
    assert caller.get("ssh-keys").json()["items"] == [second.json()]
    fetched = keys_of(caller, "api")
    assert [(key["name"], key["generation"]) for key in fetched] == [("deploy/blue", 2), ("deploy/blue", 1)]

    assert caller.post("ssh-keys/deploy/blue/retire", {"generation": 1}).json()["retired_at"] is not None
    assert [key["fingerprint"] for key in keys_of(caller, "api")] == [second.json()["fingerprint"]]
    for generation, status in ((1, 422), (2, 422), (3, 404)):
        refused(caller.post("ssh-keys/deploy/blue/retire", {"generation": generation}), status)
    listed = caller.get("ssh-keys/deploy/blue/generations").json()["items"]
    assert [(key["generation"], key["retired_at"] is None) for key in listed] == [(2, True), (1, False)]
    assert [key["used_at"] is not None for key in listed] == [True, True]


def keys_of(caller: Caller, repository: str) -> list[dict[str, object]]:
    key = OKPKey.generate_key("X25519")
    answer = caller.post(f"repositories/{repository}/ssh-keys", {"key": key.as_dict(private=False)})
    assert b"PRIVATE" not in answer.content
    content = unseal(key, answer)
    assert (content["tenant"], content["repository"]) == (caller.slug, repository)
    return list(content["keys"])


def test_another_repository_gets_no_key(caller: Caller) -> None:
    assert keys_of(caller, "web") == []
    refused(caller.post("repositories/none/ssh-keys", {"key": body("api")["key"]}), 404)


def test_known_hosts_come_with_the_key(caller: Caller) -> None:
    changed = caller.post("ssh-keys/deploy/blue/change", {"filters": [], "description": "d", "known_hosts": HOST})
    assert changed.status_code == 200
    assert (changed.json()["known_hosts"], changed.json()["description"]) == (f"{HOST}\n", "d")
    assert [key["known_hosts"] for key in keys_of(caller, "web")] == [f"{HOST}\n"]
    wrong = {"filters": [], "description": "", "known_hosts": f"{HOST}\ngit.example.org ssh-dss AAAA"}
    assert "Line 2" in refused(caller.post("ssh-keys/deploy/blue/change", wrong), 422)["fields"]["known_hosts"]


def test_keys_are_made_at_a_rate(caller: Caller, household: Household, visit: NewVisitor) -> None:
    """One rate for an account, whichever door it comes through: a key of RSA costs seconds."""
    browser = visit(household)
    with override_settings(RATES={**settings.RATES, "ssh-keys": "3/m"}):
        assert caller.post("ssh-keys", {"name": "a", "filters": []}).status_code == 201
        assert caller.post("ssh-keys/a/rotate", {}).status_code == 201
        assert browser.post("ssh-keys/generate/", name="b", filters="team=blue", preview="1").status_code == 200
        assert browser.post("ssh-keys/generate/", name="b", filters="team=blue").status_code == 302
        for answer in (
            caller.post("ssh-keys", {"name": "c", "filters": []}),
            caller.post("ssh-keys/a/rotate", {}),
            browser.post("ssh-keys/generate/", name="c", filters="team=blue"),
            browser.post("ssh-keys/import/", name="c", filters="team=blue", private_key="x"),
        ):
            assert answer.status_code == 429
            assert int(answer["Retry-After"]) > 0
            assert b"Wait" in answer.content
        assert caller.get("ssh-keys").status_code == browser.get("ssh-keys/import/").status_code == 200
