"""Repositories and their environment, as the API's caller sees them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from tenants.actions import parameters, repositories
from tenants.records.audit import AuditRow
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.api.conftest import Caller, NewCaller
from tests.portal.api.test_access import refused

LABELS = [{"name": "team", "value": "blue"}]


def unseal(key: OKPKey, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    opened = jwe.decrypt_compact(answer.json()["jwe"], key, algorithms=["ECDH-ES", "A256GCM"])
    content: dict[str, Any] = json.loads(opened.plaintext or b"")
    return content


@pytest.fixture
def key() -> OKPKey:
    return OKPKey.generate_key("X25519")


@pytest.fixture
def stocked(household: Household) -> Household:
    """A household with a repository that one of two sets, and both for one name, are for."""
    with household.enter() as inside:
        repositories.create_repository(inside, name="acme/api", url="", labels=[("team", "blue")])
        for name, filters in (("everyone", []), ("blue", [[("team", "blue")]]), ("red", [[("team", "red")]])):
            made = parameters.create_set(inside, name=name, description="", filters=filters)
            parameters.set_parameter(inside, made.id, name="WHO", value=name)
            parameters.set_parameter(inside, made.id, name=f"ONLY_{name.upper()}", value="tiefes Geheimnis ✓")
    return household


def test_create_and_list(caller: Caller) -> None:
    made = caller.post("repositories", {"name": "acme/api", "url": "https://example.org/api", "labels": LABELS})
    assert made.status_code == 201
    assert made.json()["labels"] == LABELS
    page = caller.get("repositories")
    assert page.status_code == 200
    assert page.json() == {"items": [made.json()], "next": None}


def test_pages_go_on_where_they_ended(caller: Caller) -> None:
    names = [f"r{number}" for number in range(5)]
    for name in names:
        caller.post("repositories", {"name": name})
    first = caller.get("repositories", size=3).json()
    second = caller.get("repositories", size=3, after=first["next"]).json()
    assert [item["name"] for item in first["items"] + second["items"]] == names
    assert second["next"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "nul\x00"}, "name"),
        ({"name": "lone \ud800"}, "name"),
        ({"name": "<script>"}, "name"),
        ({"name": "a", "url": "javascript:alert(1)"}, "url"),
        ({"name": "a", "colour": "red"}, "colour"),
        ({"name": "a", "labels": [{"name": "team"}]}, "labels.0.value"),
        ({"name": "a", "labels": [{"name": "team", "value": "x", "more": 1}]}, "labels.0.more"),
        ({"name": "a", "labels": [{"name": "l", "value": "v"}] * 33}, "labels"),
        ({"name": "a", "labels": "team=blue"}, "labels"),
    ],
)
def test_bad_input_names_the_field_and_changes_nothing(body: dict[str, Any], field: str, caller: Caller) -> None:
    error = refused(caller.post("repositories", json.dumps(body)), 422)
    assert set(error["fields"]) == {field}
    assert all(error["fields"].values())
    assert caller.get("repositories").json()["items"] == []


def test_a_name_that_is_taken(caller: Caller) -> None:
    caller.post("repositories", {"name": "api"})
    assert set(refused(caller.post("repositories", {"name": "api"}), 422)["fields"]) == {"name"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"size": 0}, "size"),
        ({"size": 101}, "size"),
        ({"size": "x"}, "size"),
        ({"page": 2}, "page"),
        ({"name": "api"}, "name"),
    ],
)
def test_a_page_that_can_not_be(query: dict[str, Any], field: str, caller: Caller) -> None:
    assert field in refused(caller.get("repositories", **query), 422)["fields"]


def test_the_environment_is_sealed_to_whoever_asked(stocked: Household, new_caller: NewCaller, key: OKPKey) -> None:
    caller = new_caller(stocked)
    answer = caller.post("repositories/acme/api/environment", {"key": key.as_dict(private=False)})
    assert "Geheimnis" not in answer.content.decode()
    assert unseal(key, answer) == {
        "tenant": stocked.slug,
        "repository": "acme/api",
        "values": {"WHO": "blue", "ONLY_BLUE": "tiefes Geheimnis ✓", "ONLY_EVERYONE": "tiefes Geheimnis ✓"},
        "conflicts": {"WHO": ["blue", "everyone"]},
    }
    with pytest.raises(JoseError):
        jwe.decrypt_compact(answer.json()["jwe"], OKPKey.generate_key("X25519"), algorithms=["ECDH-ES", "A256GCM"])


def test_the_environment_leaves_an_audit_row(stocked: Household, new_caller: NewCaller, key: OKPKey) -> None:
    caller = new_caller(stocked)
    caller.post("repositories/acme/api/environment", {"key": key.as_dict(private=False)})
    with stocked.enter():
        last = AuditRow.objects.order_by("-position")[0]
    assert "parameters.revealed" in str(vars(last))


def test_the_environment_of_a_repository_that_is_not_there(caller: Caller, key: OKPKey) -> None:
    refused(caller.post("repositories/nothing/environment", {"key": key.as_dict(private=False)}), 404)


def test_an_auditor_opens_nothing(
    stocked: Household, new_person: NewPerson, new_caller: NewCaller, key: OKPKey
) -> None:
    auditor = new_caller(stocked, stocked.join(new_person(), Role.AUDITOR))
    refused(auditor.post("repositories/acme/api/environment", {"key": key.as_dict(private=False)}), 403)


def points() -> dict[str, tuple[dict[str, Any], str]]:
    good = OKPKey.generate_key("X25519").as_dict(private=False)
    zero = base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
    return {
        "missing": ({}, "key.kty"),
        "the private half too": (OKPKey.generate_key("X25519").as_dict(private=True), "key.d"),
        "another curve": ({**good, "crv": "Ed25519"}, "key.crv"),
        "another type": ({**good, "kty": "oct"}, "key.kty"),
        "a member more": ({**good, "alg": "ECDH-ES"}, "key.alg"),
        "too short": ({**good, "x": str(good["x"])[:-1]}, "key.x"),
        "another alphabet": ({**good, "x": "+" * 43}, "key.x"),
        "two spellings": ({**good, "x": "A" * 42 + "B"}, "key.x"),
        "low order": ({**good, "x": zero}, "key.x"),
    }


@pytest.mark.parametrize(("jwk", "field"), points().values(), ids=points())
def test_a_key_that_is_no_x25519_public_key(
    jwk: dict[str, Any], field: str, stocked: Household, new_caller: NewCaller
) -> None:
    error = refused(new_caller(stocked).post("repositories/acme/api/environment", {"key": jwk}), 422)
    assert field in error["fields"]
