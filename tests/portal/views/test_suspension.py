"""Every page of a suspended tenant answers 403 with the operator's reason, for everybody who may be there."""

from __future__ import annotations

import uuid

import pytest
from django.urls import URLPattern, reverse

from tenants.actions import tokens
from tenants.operations import ReinstateTenant
from tenants.registry.models import DeviceGrant
from tests.conftest import Household, NewTenant
from tests.portal.views.conftest import NewVisitor, text
from tests.portal.views.test_doors import PAGES, address, named
from tests.tenants.operations.conftest import apply, suspend

REASON = "The invoice of March is open."
OPEN = {"certificate", "certificate-notice"}  # what is kept from before an end; see test_certificates.py
CLOSED = [page for page in PAGES if page.name not in OPEN]


def test_one_pair_of_doors_stays_open() -> None:
    assert {page.name for page in PAGES} - {page.name for page in CLOSED} == OPEN


@pytest.fixture(scope="module")
def suspended(new_tenant: NewTenant) -> Household:
    """One for every door: all are closed."""
    made = new_tenant()
    suspend(made.tenant, REASON)
    return made


@pytest.mark.parametrize("page", CLOSED, ids=named)
def test_every_page_says_why(page: URLPattern, suspended: Household, visit: NewVisitor) -> None:
    owner, path = visit(suspended), address(page, suspended.slug)
    answers = [owner.client.get(path), owner.client.post(path)]
    assert {answer.status_code for answer in answers} in ({403}, {403, 405})
    assert any(f"This tenant is suspended: {REASON}" in text(answer) for answer in answers)


def test_an_outsider_does_not_learn_of_it(household: Household, neighbour: Household, visit: NewVisitor) -> None:
    suspend(household.tenant, REASON)
    answer = visit(neighbour).get(f"/t/{household.slug}/")
    assert answer.status_code == 404
    assert REASON not in text(answer)


def test_no_command_line_is_let_in(household: Household, visit: NewVisitor) -> None:
    device = tokens.start_device(name="laptop", address="192.0.2.1")
    suspend(household.tenant, REASON)
    form = {"user_code": device.user_code, "tenant": household.slug, "answer": "approve"}
    answer = visit(household).post(reverse("device"), **form)
    assert answer.status_code == 403
    assert REASON in text(answer)
    assert tokens.find_device(device.user_code).state == DeviceGrant.State.PENDING


def test_everything_is_there_again(household: Household, visit: NewVisitor) -> None:
    owner = visit(household)
    before = owner.get("members/").content
    suspend(household.tenant)
    apply(ReinstateTenant(household.slug, reason="Paid."))
    assert len(owner.get("members/").content) == len(before)
    assert owner.get(f"repositories/{uuid.uuid4()}/").status_code == 404
