"""Deny by default: every address states its level, and a level holds. The walk itself is shown to go red."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path, reverse

from portal.api.root import operations
from portal.guards import Level, MemberRequest, SignedInRequest, anonymous, member, signed_in
from portal.signin import sessions
from portal.signin.sessions import SessionStore
from tenants.compartment import Compartment
from tenants.errors import NotFound, Refused
from tenants.registry.models import Person
from tenants.roles import Permission, Role
from tests.conftest import Household, NewPerson

Pattern = URLPattern | URLResolver


def doors(patterns: list[Pattern], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from doors(pattern.url_patterns, address)
        else:
            yield address, pattern.callback


def unstated(patterns: list[Pattern]) -> list[str]:
    """Return the addresses whose view states no level, or states `member` without a permission."""
    return [
        address
        for address, view in doors(patterns)
        if getattr(view, "level", None) not in set(Level)
        or (view.level == Level.MEMBER and not isinstance(view.permission, Permission))
    ]


def test_every_address_states_its_level() -> None:
    patterns = get_resolver().url_patterns
    assert len(list(doors(patterns))) > 40
    assert unstated(patterns) == []


def test_every_operation_of_the_api_states_its_level() -> None:
    found = list(operations())
    assert len(found) > 10
    assert all(view.level in set(Level) for address, view in doors(get_resolver().url_patterns) if "api/" in address)


def test_an_address_without_a_level_is_found() -> None:
    def careless(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    @anonymous
    def careful(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert unstated([path("a/", careless), path("b/", careful)]) == ["a/"]
    careless.level = Level.MEMBER  # type: ignore[attr-defined]  # a level, but no permission
    careless.permission = None  # type: ignore[attr-defined]
    assert unstated([path("a/", careless)]) == ["a/"]


def test_inside_a_tenant_nothing_is_open_to_everybody() -> None:
    inside = [(address, view) for address, view in doors(get_resolver().url_patterns) if "<slug:tenant>" in address]
    assert len(inside) > 20
    assert [address for address, view in inside if view.level != Level.MEMBER] == []


def test_nobody_gets_into_any_address_that_asks_for_somebody(client: Client) -> None:
    values = {"tenant": "nobody", "slug": "nobody"}
    tried = 0
    for pattern_address, view in doors(get_resolver("portal.urls").url_patterns):
        if "api/" in pattern_address or view.level == Level.ANONYMOUS:
            continue
        address = "/" + _filled(pattern_address, values)
        response = client.get(address)
        assert response.status_code in {302, 405}, address
        if response.status_code == 302:
            assert response["Location"].startswith(reverse("sign-in"))
        tried += 1
    assert tried > 25


def _filled(address: str, values: dict[str, str]) -> str:
    parts = []
    for part in address.split("/"):
        name = part.strip("<>").rpartition(":")[2]
        parts.append(values.get(name, str(uuid.UUID(int=7))) if part.startswith("<") else part)
    return "/".join(parts)


@signed_in
def greets(request: SignedInRequest) -> HttpResponse:
    return HttpResponse(str(request.person.pk))


@member(Permission.PARAMETERS_WRITE)
def writes(_request: MemberRequest, compartment: Compartment) -> HttpResponse:
    return HttpResponse(compartment.tenant.slug)


def asking(rf: Any, person: Person | None, **headers: str) -> Any:
    request = rf.get("/account/?page=2", headers=headers)
    request.person, request.address, request.session = person, "192.0.2.1", SessionStore()
    return request


def test_a_visitor_is_sent_to_sign_in_and_back(rf: Any) -> None:
    assert greets(asking(rf, None))["Location"] == "/sign-in/?next=%2Faccount%2F%3Fpage%3D2"
    assert writes(asking(rf, None), tenant="x")["Location"].startswith("/sign-in/")


def test_a_fragment_of_a_page_sends_the_whole_page(rf: Any) -> None:
    assert greets(asking(rf, None, **{"HX-Request": "true"}))["HX-Redirect"] == "/sign-in/"


def test_a_person_gets_in(rf: Any, new_person: NewPerson) -> None:
    person = new_person()
    greeting: Any = greets(asking(rf, person))
    assert greeting.content.decode() == str(person.pk)


def test_a_member_gets_in_with_the_permission_alone(rf: Any, household: Household, new_person: NewPerson) -> None:
    assert writes(asking(rf, household.owner), tenant=household.slug).status_code == 200
    auditor = household.join(new_person(), Role.AUDITOR)
    with pytest.raises(Refused):
        writes(asking(rf, auditor), tenant=household.slug)
    with pytest.raises(NotFound):
        writes(asking(rf, new_person()), tenant=household.slug)
    with pytest.raises(NotFound):
        writes(asking(rf, household.owner), tenant="no-such-tenant")


def test_a_forged_cookie_is_nobody(client: Client) -> None:
    client.cookies[sessions.COOKIE] = "x" * 43
    assert client.get("/account/").status_code == 302
