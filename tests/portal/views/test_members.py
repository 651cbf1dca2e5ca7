"""The pages of members: only roles that one may grant are offered, and taken."""

from __future__ import annotations

import re
import uuid

import pytest

from tenants.actions.tenancies import ask_to_join
from tenants.registry.models import JoinRequest, Membership, Person
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.views.conftest import NewVisitor, Visitor, text


@pytest.fixture
def somebody(household: Household, new_person: NewPerson) -> Person:
    return household.join(new_person("somebody"), Role.MEMBER)


@pytest.fixture
def asking(household: Household, new_person: NewPerson) -> uuid.UUID:
    """Somebody asks to be let in."""
    person = new_person("newcomer")
    ask_to_join(household.actor(person), slug=household.slug, note="I look after builds.")
    return JoinRequest.objects.get(person=person).id


def role_of(household: Household, person: Person) -> str:
    return Membership.objects.get(tenant=household.tenant, person=person).role


def test_members_are_listed(owner: Visitor, somebody: Person) -> None:
    page = text(owner.get("members/"))
    assert "somebody" in page
    assert somebody.email in page
    assert "owner you" in page


def test_many_who_ask_are_on_several_pages(household: Household, owner: Visitor, new_person: NewPerson) -> None:
    asking = [new_person(f"asks-{number:02}") for number in range(21)]
    JoinRequest.objects.bulk_create([JoinRequest(tenant=household.tenant, person=person) for person in asking])
    first = owner.get("members/").content.decode()
    (cursor,) = re.findall(r'href="\?asking=([^"]+)"', first)
    second = text(owner.get(f"members/?asking={cursor}"))
    shown = [[person.login in page for person in asking] for page in (first, second)]
    assert [sum(page) for page in shown] == [20, 1]
    assert all(map(any, zip(*shown, strict=True)))
    assert "owner you" in second


def test_somebody_who_asks_is_admitted(household: Household, owner: Visitor, asking: uuid.UUID) -> None:
    assert "I look after builds." in text(owner.get("members/"))
    assert "Admit newcomer" in text(owner.get(f"members/asking/{asking}/admit/"))
    assert "newcomer is a member now." in owner.after(owner.post(f"members/asking/{asking}/admit/", role="auditor"))
    assert Membership.objects.get(tenant=household.tenant, person__login="newcomer").role == Role.AUDITOR


def test_somebody_who_asks_is_declined(household: Household, owner: Visitor, asking: uuid.UUID) -> None:
    assert "declined" in owner.after(owner.post(f"members/asking/{asking}/decline/"))
    assert not Membership.objects.filter(tenant=household.tenant, person__login="newcomer").exists()
    assert not JoinRequest.objects.filter(id=asking).exists()


def test_a_role_is_changed(household: Household, owner: Visitor, somebody: Person) -> None:
    assert "somebody is maintainer now." in owner.after(owner.post(f"members/{somebody.id}/", role="maintainer"))
    assert role_of(household, somebody) == Role.MAINTAINER


def test_only_roles_one_may_grant_are_offered(
    household: Household, asking: uuid.UUID, new_person: NewPerson, visit: NewVisitor
) -> None:
    maintainer = visit(household, household.join(new_person(), Role.MAINTAINER))
    offered = maintainer.get(f"members/asking/{asking}/admit/").content.decode()
    assert 'value="member"' in offered
    assert 'value="owner"' not in offered
    refused = maintainer.post(f"members/asking/{asking}/admit/", role="owner")
    assert refused.status_code == 422
    assert JoinRequest.objects.filter(id=asking).exists()


def test_a_role_above_ones_own_is_not_taken(household: Household, new_person: NewPerson, visit: NewVisitor) -> None:
    maintainer = visit(household, household.join(new_person(), Role.MAINTAINER))
    assert f"members/{household.owner.id}/" not in maintainer.get("members/").content.decode()
    assert maintainer.post(f"members/{household.owner.id}/", role="member").status_code == 422
    assert maintainer.post(f"members/{household.owner.id}/remove/").status_code == 422
    assert role_of(household, household.owner) == Role.OWNER


def test_the_last_owner_stays(household: Household, owner: Visitor) -> None:
    answer = owner.post(f"members/{household.owner.id}/remove/")
    assert answer.status_code == 422
    assert "at least one owner" in text(answer)


def test_a_member_is_removed_after_being_asked(household: Household, owner: Visitor, somebody: Person) -> None:
    assert "Remove somebody?" in text(owner.get(f"members/{somebody.id}/remove/"))
    assert "somebody was removed." in owner.after(owner.post(f"members/{somebody.id}/remove/"))
    assert not Membership.objects.filter(tenant=household.tenant, person=somebody).exists()
