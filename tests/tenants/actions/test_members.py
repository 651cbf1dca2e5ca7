"""Members: roles are given only by a higher role, a tenant keeps an owner, and leaving works at once."""

from __future__ import annotations

import threading
import uuid
from contextlib import suppress

import pytest

from tenants.actions import members, tenancies
from tenants.errors import Invalid, NotFound, Refused
from tenants.pagination import PageRequest
from tenants.records.models import AuditRow
from tenants.registry.models import JoinRequest, Membership
from tenants.roles import GRANTS, Permission, Role
from tests.conftest import Household, NewPerson, at_once


def test_somebody_asks_and_is_admitted(household: Household, new_person: NewPerson) -> None:
    person = new_person("newcomer")
    tenancies.ask_to_join(household.actor(person), slug=household.slug, note="it's me")
    tenancies.ask_to_join(household.actor(person), slug=household.slug, note="again")
    with household.enter() as inside:
        (request,) = members.list_join_requests(inside, PageRequest()).items
        assert (request.person, request.note) == (person, "it's me")
        members.admit(inside, request.id, Role.MEMBER)
        assert {row.person_id: row.role for row in members.list_members(inside, PageRequest()).items} == {
            household.owner.id: Role.OWNER,
            person.id: Role.MEMBER,
        }
        assert AuditRow.objects.filter(entry__contains='"member.admitted"').count() == 1
    assert [tenancy.tenant for tenancy in tenancies.tenants_of(person.id)] == [household.tenant]


def test_asking_does_not_tell_whether_a_tenant_exists(household: Household, new_person: NewPerson) -> None:
    actor = household.actor(new_person())
    tenancies.ask_to_join(actor, slug=household.slug, note="")
    tenancies.ask_to_join(actor, slug="no-such-tenant", note="")
    tenancies.ask_to_join(household.actor(), slug=household.slug, note="a member already")
    assert JoinRequest.objects.filter(tenant=household.tenant).count() == 1


def test_declining_leaves_nothing(household: Household, new_person: NewPerson) -> None:
    person = new_person()
    tenancies.ask_to_join(household.actor(person), slug=household.slug, note="")
    with household.enter() as inside:
        members.decline(inside, JoinRequest.objects.get(person=person).id)
    assert tenancies.tenants_of(person.id) == []
    with household.enter() as inside, pytest.raises(NotFound):
        members.decline(inside, uuid.uuid4())


@pytest.mark.parametrize(
    ("giver", "role", "allowed"),
    [
        (Role.OWNER, Role.OWNER, True),
        (Role.OWNER, Role.AUDITOR, True),
        (Role.MAINTAINER, Role.OWNER, False),
        (Role.MAINTAINER, Role.MAINTAINER, False),
        (Role.MAINTAINER, Role.MEMBER, True),
    ],
)
def test_roles_are_given_by_a_higher_role(
    household: Household, new_person: NewPerson, giver: Role, role: Role, allowed: bool
) -> None:
    who, target = household.join(new_person(), giver), household.join(new_person(), Role.AUDITOR)
    with household.enter(who) as inside:
        if allowed:
            members.change_role(inside, target.id, role)
        else:
            with pytest.raises(Invalid, match="role"):
                members.change_role(inside, target.id, role)
    expected = role if allowed else Role.AUDITOR
    assert Membership.objects.get(tenant=household.tenant, person=target).role == expected


def test_a_maintainer_can_not_touch_an_owner(household: Household, new_person: NewPerson) -> None:
    maintainer = household.join(new_person(), Role.MAINTAINER)
    with household.enter(maintainer) as inside:
        with pytest.raises(Invalid):
            members.change_role(inside, household.owner.id, Role.MEMBER)
        with pytest.raises(Invalid):
            members.remove_member(inside, household.owner.id)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.AUDITOR])
def test_lower_roles_manage_nobody(household: Household, new_person: NewPerson, role: Role) -> None:
    who = household.join(new_person(), role)
    with household.enter(who) as inside:
        with pytest.raises(Refused):
            members.change_role(inside, who.id, Role.OWNER)
        with pytest.raises(Refused):
            members.remove_member(inside, household.owner.id)
        with pytest.raises(Refused):
            members.admit(inside, uuid.uuid4(), Role.OWNER)


def test_a_tenant_keeps_an_owner(household: Household) -> None:
    with household.enter() as inside:
        with pytest.raises(Invalid, match="role"):
            members.remove_member(inside, household.owner.id)
        with pytest.raises(Invalid, match="role"):
            members.change_role(inside, household.owner.id, Role.MEMBER)


def test_two_owners_who_remove_each_other_at_once_leave_one(household: Household, new_person: NewPerson) -> None:
    one, other = household.owner, household.join(new_person(), Role.OWNER)
    turns, inside_both = iter([(one, other), (other, one)]), threading.Barrier(2)

    def remove() -> None:
        remover, removed = next(turns)
        with suppress(Invalid, NotFound), household.enter(remover) as inside:  # the slower one
            inside_both.wait(60)
            members.remove_member(inside, removed.id)

    at_once(remove, times=2)
    assert Membership.objects.filter(tenant=household.tenant, role=Role.OWNER).count() == 1


def test_another_tenants_members_are_not_found(household: Household, neighbour: Household) -> None:
    with household.enter() as inside:
        with pytest.raises(NotFound):
            members.remove_member(inside, neighbour.owner.id)
        with pytest.raises(NotFound):
            members.change_role(inside, neighbour.owner.id, Role.OWNER)


def test_the_roles_are_ordered_by_what_they_may() -> None:
    assert GRANTS[Role.OWNER] == frozenset(Permission) - {Permission.BUILDS_USE}
    assert GRANTS[Role.AUDITOR] == {permission for permission in Permission if permission.endswith(":list")}
    assert not any(permission.endswith((":reveal", ":write")) for permission in GRANTS[Role.AUDITOR])
    assert set(GRANTS) == set(Role)
    assert list(Permission) == sorted(Permission)
