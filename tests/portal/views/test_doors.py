"""Every page of a tenant, tried by those who have no business there; and what error pages say."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.test import override_settings
from django.urls import URLPattern, reverse

from portal.urls import inside
from tenants.registry.models import Person
from tenants.roles import GRANTS, Permission, Role
from tests.conftest import Household, NewPerson, NewTenant
from tests.portal.views.conftest import NewVisitor, text

PAGES = [pattern for pattern in inside if isinstance(pattern, URLPattern)]
NAMING = [pattern for pattern in PAGES if pattern.pattern.converters]
WRITING = [pattern for pattern in PAGES if getattr(pattern.callback, "permission", None) not in GRANTS[Role.AUDITOR]]


def address(pattern: URLPattern, slug: str) -> str:
    parts: dict[str, Any] = {name: uuid.uuid4() for name in pattern.pattern.converters}
    return reverse(str(pattern.name), kwargs={"tenant": slug, **parts})


def named(pattern: URLPattern) -> str:
    return str(pattern.name)


@pytest.fixture(scope="module")
def household(new_tenant: NewTenant) -> Household:
    """One for every door: nobody in here gets to change anything."""
    return new_tenant(name="Kittiwake")


@pytest.fixture(scope="module")
def neighbour(new_tenant: NewTenant) -> Household:
    return new_tenant()


@pytest.fixture(scope="module")
def auditor(household: Household, new_person: NewPerson) -> Person:
    return household.join(new_person(), Role.AUDITOR)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_visitor_is_sent_to_sign_in(page: URLPattern, household: Household, visit: NewVisitor) -> None:
    path = address(page, household.slug)
    for answer in (visit().get(path), visit().post(path)):
        assert answer.status_code in {302, 405}
        assert answer.status_code == 405 or answer.headers["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_an_outsider_finds_nothing(
    page: URLPattern, household: Household, neighbour: Household, visit: NewVisitor
) -> None:
    outsider, path = visit(neighbour), address(page, household.slug)
    for answer in (outsider.get(path), outsider.post(path)):
        assert answer.status_code in {404, 405}
        assert household.tenant.name not in text(answer)


@pytest.mark.parametrize("page", WRITING, ids=named)
def test_an_auditor_changes_and_opens_nothing(
    page: URLPattern, household: Household, auditor: Person, visit: NewVisitor
) -> None:
    visitor, path = visit(household, auditor), address(page, household.slug)
    for answer in (visitor.get(path), visitor.post(path)):
        assert answer.status_code in {403, 405}


@pytest.mark.parametrize("page", NAMING, ids=named)
def test_what_does_not_exist_is_not_found(page: URLPattern, household: Household, visit: NewVisitor) -> None:
    owner, path = visit(household), address(page, household.slug)
    assert {owner.get(path).status_code, owner.post(path).status_code} <= {404, 405}


def test_a_lacking_permission_is_named(household: Household, new_person: NewPerson, visit: NewVisitor) -> None:
    member = visit(household, household.join(new_person(), Role.MEMBER))
    answer = member.get("repositories/new/")
    assert answer.status_code == 403
    assert Permission.REPOSITORIES_WRITE in text(answer)


def test_error_pages_say_nothing_technical(visit: NewVisitor) -> None:
    for path in ("/nowhere/", "/t/x/", "/t/no-such-tenant/repositories/not-a-uuid/", "/static/nothing.css"):
        answer = visit().get(path)
        assert answer.status_code in {302, 404}
        assert not re.search(r"Traceback|Exception|django|urlconf|postgres", text(answer), re.IGNORECASE)


@override_settings(TEMPLATES=[])
def test_an_error_is_told_even_where_no_template_can_be_rendered(visit: NewVisitor) -> None:
    answer = visit().get("/nowhere/")
    assert answer.status_code == 404
    assert "There is nothing here The address may be wrong" in text(answer)
