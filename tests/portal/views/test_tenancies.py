"""The pages around a tenant: mine, a new one, asking to be let in, its overview."""

from __future__ import annotations

import secrets
import uuid

import pytest
from django.conf import settings
from django.db import connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from tenants.actions import parameters, repositories
from tenants.registry.models import JoinRequest, Tenant, TenantRequest, TenantState
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.views.conftest import NewVisitor, Visitor, text, url_name


@pytest.fixture
def newcomer(new_person: NewPerson, visit: NewVisitor) -> Visitor:
    return visit(person=new_person("newcomer"))


def slug() -> str:
    return f"new-{uuid.uuid4().hex[:12]}"


def test_a_newcomer_is_in_no_tenant(newcomer: Visitor) -> None:
    assert "You are in no tenant yet" in text(newcomer.get("/tenants/"))


def test_a_tenant_is_asked_for_and_its_making_shown(newcomer: Visitor) -> None:
    wanted = slug()
    answer = newcomer.post("/tenants/new/", name="New Tenant", slug=wanted)
    assert url_name(answer) == "tenants-progress"
    page = newcomer.client.get(answer.headers["Location"])
    assert '<meta http-equiv="refresh" content="1" />' in page.content.decode()
    again = newcomer.client.get(answer.headers["Location"], headers={"HX-Request": "true"})
    assert "Schema, role and key" in text(again)
    assert "<html" not in again.content.decode()
    assert "being made" in text(newcomer.get("/tenants/"))


def test_a_made_tenant_is_entered(newcomer: Visitor) -> None:
    wanted = slug()
    progress = newcomer.post("/tenants/new/", name="New Tenant", slug=wanted).headers["Location"]
    TenantRequest.objects.using("owner").filter(slug=wanted).update(state=TenantRequest.State.DONE)
    assert newcomer.get(progress).headers["Location"] == f"/t/{wanted}/"
    again = newcomer.client.get(progress, headers={"HX-Request": "true"})
    assert again.headers["HX-Redirect"] == f"/t/{wanted}/"


def test_a_tenant_that_could_not_be_made_says_so(newcomer: Visitor) -> None:
    wanted = slug()
    progress = newcomer.post("/tenants/new/", name="New Tenant", slug=wanted).headers["Location"]
    TenantRequest.objects.using("owner").filter(slug=wanted).update(state=TenantRequest.State.FAILED)
    page = newcomer.get(progress)
    assert "could not be finished" in text(page)
    assert "http-equiv" not in page.content.decode()
    assert "could not be made" in text(newcomer.get("/tenants/"))


def test_anothers_request_is_not_found(newcomer: Visitor, new_person: NewPerson, visit: NewVisitor) -> None:
    progress = newcomer.post("/tenants/new/", name="New Tenant", slug=slug()).headers["Location"]
    assert visit(person=new_person()).get(progress).status_code == 404


def test_what_was_typed_comes_back(newcomer: Visitor, household: Household) -> None:
    answer = newcomer.post("/tenants/new/", name="New Tenant", slug=household.slug)
    assert answer.status_code == 422
    assert "This address is taken" in text(answer)
    assert 'value="New Tenant"' in answer.content.decode()


def test_asking_to_join_says_nothing_about_the_tenant(newcomer: Visitor, household: Household) -> None:
    known = newcomer.after(newcomer.post("/tenants/", slug=household.slug, note="Hello"))
    unknown = newcomer.after(newcomer.post("/tenants/", slug=slug(), note="Hello"))
    assert known == unknown
    assert JoinRequest.objects.filter(tenant=household.tenant, note="Hello").count() == 1


def test_asking_is_limited_and_looking_is_not(newcomer: Visitor) -> None:
    rates = {**settings.RATES, "requests": "2/h"}
    newcomer.client.defaults["REMOTE_ADDR"] = f"198.51.100.{secrets.randbelow(256)}"
    with override_settings(RATES=rates):
        assert newcomer.post("/tenants/", slug=slug(), note="").status_code == 302
        assert newcomer.post("/tenants/new/", name="New", slug=slug()).status_code == 302
        wanted = slug()
        assert newcomer.post("/tenants/new/", name="New", slug=wanted).status_code == 429
        assert newcomer.post("/tenants/", slug=slug(), note="").status_code == 429
        assert newcomer.get("/tenants/").status_code == 200
        assert newcomer.get("/tenants/new/").status_code == 200
    assert not TenantRequest.objects.filter(slug=wanted).exists()


def test_the_front_page_leads_to_the_only_tenant(household: Household, owner: Visitor) -> None:
    assert owner.get("/").headers["Location"] == f"/t/{household.slug}/"


def test_the_front_page_does_not_lead_into_a_suspended_tenant(household: Household, owner: Visitor) -> None:
    suspended = {"state": TenantState.SUSPENDED, "state_reason": "Unpaid since May."}
    Tenant.objects.using("owner").filter(id=household.tenant.id).update(**suspended)
    assert owner.get("/").headers["Location"] == "/tenants/"
    assert "suspended" in text(owner.get("/tenants/"))
    inside = owner.get()
    assert inside.status_code == 403
    assert "Unpaid since May." in text(inside)


def test_the_front_page_leads_to_several_tenants(household: Household, neighbour: Household, visit: NewVisitor) -> None:
    neighbour.join(household.owner)
    both = visit(household)
    assert both.get("/").headers["Location"] == "/tenants/"
    page = both.get("/tenants/").content.decode()
    assert f"/t/{household.slug}/" in page
    assert f"/t/{neighbour.slug}/" in page


def test_my_tenants_are_asked_for_once_a_page(household: Household, owner: Visitor) -> None:
    with CaptureQueriesContext(connections["default"]) as asked:
        page = owner.get("/tenants/").content.decode()
    assert page.count(f'href="/t/{household.slug}/"') == 2  # on the page and in the switcher
    assert len([query for query in asked if "membership" in query["sql"]]) == 1


def test_a_visitor_is_told_what_is_asked_of_the_provider(visit: NewVisitor) -> None:
    page = text(visit().get("/"))
    assert "Continue with GitHub" in page
    assert "user:email" in page


def test_the_overview_counts_and_says_what_is_next(household: Household, owner: Visitor) -> None:
    assert "0 Repositories" in text(owner.get())
    with household.enter() as inside:
        repositories.create_repository(inside, name="core", url="", labels=[])
        parameters.create_set(inside, name="deploy", description="", filters=[])
    page = text(owner.get())
    assert "1 Repositories 1 Parameter sets" in page
    assert "Next steps" in page


def test_a_member_is_offered_no_steps_that_the_role_forbids(
    household: Household, new_person: NewPerson, visit: NewVisitor
) -> None:
    member = visit(household, household.join(new_person(), Role.MEMBER))
    assert "Next steps" not in text(member.get())
