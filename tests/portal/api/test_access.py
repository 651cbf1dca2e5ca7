"""Who may enter: every operation, with each way of having no right to it."""

from __future__ import annotations

import dataclasses
import re
import uuid
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from ninja.operation import Operation
from pytest_django import Settings

from portal.api.access import Bearer
from portal.api.root import api, operations, stated
from portal.guards import Level
from tenants.registry.models import AccessToken, Membership, Person, Tenant
from tenants.roles import GRANTS, Permission, Role
from tests.conftest import Household, NewPerson, NewTenant
from tests.portal.api.conftest import Caller, NewCaller, new_client, new_token, text_of

NOTHINGS_ID = str(uuid.UUID(int=1))  # the same at each collection: it is part of the tests' names


@dataclasses.dataclass(frozen=True)
class Door:
    method: str
    path: str
    bearer: Bearer

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def knock(self, caller: Caller) -> Any:
        call = caller.client.post if self.method == "POST" else caller.client.get
        return call(self.path.replace("{tenant}", caller.slug), headers=caller.headers())


def doors() -> list[Door]:
    """Return every operation, with some value for each part of its path but the tenant."""
    found = []
    for bound in api._get_bound_routers():
        for path, view in bound.path_operations.items():
            for operation in view.operations:
                full = "/".join(part for part in ("/api/v1", bound.prefix, path) if part)
                full = re.sub(r"{uuid\w*:\w+}", NOTHINGS_ID, re.sub(r"{path:\w+}", "name", full))
                found.append(Door(operation.methods[0], full, stated(operation)))
    return found


DOORS = doors()
MEMBERS_DOORS = [door for door in DOORS if door.bearer.level is Level.MEMBER]
CLOSED = [(door, role) for door in MEMBERS_DOORS for role in Role if door.bearer.permission not in GRANTS[role]]

ME = next(door for door in DOORS if door.path == "/api/v1/me")


@pytest.fixture(scope="module")
def household(new_tenant: NewTenant) -> Household:
    """One for all who are refused: that changes nothing."""
    return new_tenant()


@pytest.fixture(scope="module")
def neighbour(household: Household, new_tenant: NewTenant) -> Household:
    """Another tenant, whose owner is nobody in the first, but the first one's owner is one here too."""
    made = new_tenant()
    made.join(household.owner, Role.OWNER)
    return made


@pytest.fixture(scope="module")
def members(household: Household, new_person: NewPerson) -> dict[Role, Person]:
    return {role: household.join(new_person(), role) for role in Role}


@pytest.fixture(scope="module")
def suspended(new_tenant: NewTenant) -> Household:
    made = new_tenant()
    Tenant.objects.using("owner").filter(id=made.tenant.id).update(state="suspended", state_reason="unpaid")
    return made


@pytest.fixture
def own_caller(new_tenant: NewTenant, new_caller: NewCaller) -> Caller:
    return new_caller(new_tenant())


def refused(answer: Any, status: int) -> dict[str, Any]:
    """Check the one shape of refusals, and that none is stored anywhere."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"].startswith("application/json")
    assert answer["Cache-Control"] == "no-store"
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"code", "message", "fields", "incident"}
    return error


def test_every_operation_states_a_level() -> None:
    assert len(DOORS) == len(list(operations())) >= 16
    assert {door.bearer.level for door in DOORS} == {Level.MEMBER, Level.SIGNED_IN}
    assert all(door.bearer.permission is not None for door in MEMBERS_DOORS)
    assert all("{tenant}" in door.path for door in MEMBERS_DOORS)


def test_an_operation_without_a_level_makes_no_door() -> None:
    def view(request: Any) -> None:
        pass

    with pytest.raises(Exception, match="states no level"):
        stated(Operation("x", ["GET"], view))


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_without_a_token(door: Door, caller: Caller) -> None:
    answer = door.knock(dataclasses.replace(caller, token=None))
    assert refused(answer, 401)["code"] == "unauthenticated"
    assert answer["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("door", MEMBERS_DOORS, ids=str)
def test_a_tenant_that_is_not_the_tokens(
    door: Door, household: Household, neighbour: Household, new_caller: NewCaller
) -> None:
    """Not even for somebody who is a member of both: the token is for one."""
    assert refused(door.knock(new_caller(household, about=neighbour)), 404)["code"] == "not_found"


@pytest.mark.parametrize("door", MEMBERS_DOORS, ids=str)
def test_a_tenant_that_is_not_there(door: Door, caller: Caller) -> None:
    """Missing and forbidden look alike."""
    answer = door.knock(dataclasses.replace(caller, slug="nobody-here"))
    assert refused(answer, 404) == refused(door.knock(dataclasses.replace(caller, slug="x%00%27")), 404)


@pytest.mark.parametrize(("door", "role"), CLOSED, ids=str)
def test_a_role_without_the_permission(
    door: Door, role: Role, household: Household, members: dict[Role, Person], new_caller: NewCaller
) -> None:
    error = refused(door.knock(new_caller(household, members[role])), 403)
    assert error["code"] == "forbidden"
    assert str(door.bearer.permission) in error["message"]


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_member_who_left(door: Door, household: Household, new_person: NewPerson, new_caller: NewCaller) -> None:
    caller = new_caller(household, household.join(new_person(), Role.OWNER))
    Membership.objects.filter(person=caller.row.person, tenant=household.tenant).delete()
    refused(door.knock(caller), 404)


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_suspended_tenant(door: Door, suspended: Household, new_caller: NewCaller) -> None:
    assert "unpaid" in refused(door.knock(new_caller(suspended)), 403)["message"]


def test_a_revoked_token_dies_at_once(caller: Caller) -> None:
    assert ME.knock(caller).status_code == HTTPStatus.OK
    AccessToken.objects.filter(id=caller.row.id).update(revoked_at=Now())
    refused(ME.knock(caller), 401)


def test_an_expired_row_refuses_a_token_that_says_otherwise(caller: Caller) -> None:
    AccessToken.objects.filter(id=caller.row.id).update(expires_at=Now() - timedelta(seconds=1))
    refused(ME.knock(caller), 401)


def test_frozen_tokens(own_caller: Caller) -> None:
    Person.objects.filter(id=own_caller.row.person_id).update(tokens_frozen_at=Now())
    refused(ME.knock(own_caller), 401)


def test_a_token_whose_row_is_gone(caller: Caller) -> None:
    AccessToken.objects.using("owner").filter(id=caller.row.id).delete()
    refused(ME.knock(caller), 401)


def test_a_token_that_names_somebody_elses_row(household: Household, neighbour: Household, caller: Caller) -> None:
    """A row's person and tenant must be the token's own."""
    mine, theirs = new_token(household), new_token(neighbour)
    mixed = AccessToken(id=theirs.id, person_id=mine.person_id, tenant_id=mine.tenant_id, expires_at=mine.expires_at)
    refused(ME.knock(dataclasses.replace(caller, token=text_of(mixed))), 401)


@pytest.mark.parametrize("scheme", ["", "Basic ", "Token ", "Bearer  ", "Bearer x "])
def test_another_scheme(scheme: str, caller: Caller) -> None:
    answer = caller.client.get("/api/v1/me", headers={"Authorization": f"{scheme}{caller.token}"})
    refused(answer, 401)


def test_a_browsers_session_means_nothing(caller: Caller) -> None:
    caller.client.cookies["__Host-bulkhead"] = "anything"
    refused(caller.client.get("/api/v1/me"), 401)


def test_no_other_site_is_let_in(caller: Caller) -> None:
    asked = caller.client.options(
        "/api/v1/me", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    )
    refused(asked, 405)
    got = caller.client.get("/api/v1/me", headers={**caller.headers(), "Origin": "https://evil.example"})
    assert got.status_code == HTTPStatus.OK
    assert not any(name.lower().startswith("access-control-") for name in [*asked.headers, *got.headers])


def test_too_much_is_refused_unread(caller: Caller) -> None:
    refused(caller.post("repositories", {"name": "x" * 300_000}), 413)


def test_an_account_is_limited(own_caller: Caller, settings: Settings) -> None:
    """From wherever it calls."""
    settings.RATES = {**settings.RATES, "api": "3/m"}
    answers = [ME.knock(dataclasses.replace(own_caller, client=new_client())) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert refused(answers[-1], 429)["code"] == "too_many_requests"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60


def test_an_address_is_limited(caller: Caller, settings: Settings) -> None:
    """Whatever tokens it tries."""
    settings.RATES = {**settings.RATES, "api": "3/m"}
    answers = [ME.knock(dataclasses.replace(caller, token=f"guess{number}")) for number in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]


def test_an_address_that_is_none(client: Client) -> None:
    for path in ("/api/v1/", "/api/v1/nothing", "/api/v1/tenants/x/nothing"):
        refused(client.get(path), 404)


def test_another_method(caller: Caller) -> None:
    answer = caller.client.delete(caller.url("repositories"), headers=caller.headers())
    refused(answer, 405)
    assert "GET" in answer["Allow"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("[]", 400),
        ('{"name": "a", "name": "b"}', 400),
        ('{"name": NaN}', 400),
        ('{"labels": ' + "[" * 20 + "]" * 20 + "}", 400),
        ("[" * 100_000, 400),
        ('{"labels": [' + ",".join(["1"] * 3000) + "]}", 400),
        ("", 422),
    ],
)
def test_a_body_that_is_no_sound_object(body: str, status: int, caller: Caller) -> None:
    answer = caller.client.post(
        caller.url("repositories"), body, content_type="application/json", headers=caller.headers()
    )
    refused(answer, status)


def test_a_body_of_another_type(caller: Caller) -> None:
    """A form of another site can't be JSON; what is not declared JSON is not read as such."""
    answer = caller.client.post(
        caller.url("repositories"), '{"name": "x"}', content_type="text/plain", headers=caller.headers()
    )
    refused(answer, 415)


def test_a_query_that_nobody_reads(caller: Caller) -> None:
    """Where an operation takes none, too: a misspelt name must not look as if it had been heeded."""
    assert set(refused(caller.get("/api/v1/me", tenant="acme"), 422)["fields"]) == {"tenant"}


def test_whoami(household: Household, caller: Caller) -> None:
    answer = ME.knock(caller)
    assert answer.status_code == HTTPStatus.OK
    assert answer.json() == {
        "person": str(household.owner),
        "provider": "github",
        "login": "owner",
        "tenant": household.slug,
        "role": "owner",
        "token": "test",
        "expires_at": caller.row.expires_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    assert answer["Cache-Control"] == "no-store"


def test_the_document(client: Client) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == HTTPStatus.OK
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    assert "/api/v1/tenants/{tenant}/repositories/{name}/environment" in paths
    reveal = paths["/api/v1/tenants/{tenant}/repositories/{name}/environment"]["post"]
    assert reveal["x-permission"] == Permission.PARAMETERS_REVEAL
    assert {parameter["name"] for parameter in reveal["parameters"]} == {"tenant", "name"}
    assert reveal["security"] == [{"Bearer": []}]
    assert document["components"]["securitySchemes"]["Bearer"]["bearerFormat"] == "JWE"
