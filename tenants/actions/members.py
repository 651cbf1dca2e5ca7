"""Members and their roles. A role is given and taken only by somebody whose own role may grant it."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from tenants.actions.audit import record
from tenants.actions.rows import fetch
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid, LimitReached
from tenants.limits import NOUNS, Thing
from tenants.pagination import Page, PageRequest, newest_first
from tenants.registry.models import AccessToken, JoinRequest, Membership
from tenants.roles import Permission, Role


@requires(Permission.MEMBERS_LIST)
def list_members(compartment: Compartment, page: PageRequest) -> Page[Membership]:
    rows = Membership.objects.filter(tenant=compartment.tenant).select_related("person")
    return newest_first(rows, page)


@requires(Permission.MEMBERS_LIST)
def get_member(compartment: Compartment, person_id: UUID) -> Membership:
    rows = Membership.objects.filter(tenant=compartment.tenant).select_related("person")
    return fetch(rows, person_id=person_id)


@requires(Permission.MEMBERS_ADMIT)
def list_join_requests(compartment: Compartment, page: PageRequest) -> Page[JoinRequest]:
    return newest_first(_requests(compartment), page)


@requires(Permission.MEMBERS_ADMIT)
def get_join_request(compartment: Compartment, request_id: UUID) -> JoinRequest:
    return fetch(_requests(compartment), id=request_id)


@requires(Permission.MEMBERS_ADMIT)
def admit(compartment: Compartment, request_id: UUID, role: Role) -> Membership:
    _may_give(compartment, role)
    with transaction.atomic():
        request = fetch(_requests(compartment).select_for_update(of=("self",)), id=request_id)
        _leave_room(compartment)
        membership = Membership.objects.create(tenant=compartment.tenant, person=request.person, role=role)
        request.delete()
        record(compartment, "member.admitted", str(request.person), role=role.value, person=str(request.person_id))
    return membership


@requires(Permission.MEMBERS_ADMIT)
def decline(compartment: Compartment, request_id: UUID) -> None:
    with transaction.atomic():
        request = fetch(_requests(compartment).select_for_update(of=("self",)), id=request_id)
        request.delete()
        record(compartment, "member.declined", str(request.person), person=str(request.person_id))


@requires(Permission.MEMBERS_WRITE)
def change_role(compartment: Compartment, person_id: UUID, role: Role) -> Membership:
    _may_give(compartment, role)
    with transaction.atomic():
        membership = _someone(compartment, person_id)
        before = membership.role
        if role is not Role.OWNER:
            _keep_an_owner(compartment, membership)
        membership.role = role
        membership.save(update_fields=["role"])
        record(
            compartment,
            "member.role_changed",
            str(membership.person),
            role=role.value,
            role_before=before,
            person=str(person_id),
        )
    return membership


@requires(Permission.MEMBERS_WRITE)
def remove_member(compartment: Compartment, person_id: UUID) -> None:
    with transaction.atomic():
        membership = _someone(compartment, person_id)
        _keep_an_owner(compartment, membership)
        membership.delete()
        # Somebody who is let in again later starts without what was issued before.
        tokens = AccessToken.objects.filter(tenant=compartment.tenant, person_id=person_id, revoked_at=None)
        tokens.update(revoked_at=Now())
        record(compartment, "member.removed", str(membership.person), role=membership.role, person=str(person_id))


def _leave_room(compartment: Compartment) -> None:
    """Raises LimitReached where the operator allows no member more; of two who admit at once the second one waits."""
    most = compartment.limits.get(Thing.MEMBERS)
    if most is None:
        return
    members = _members(compartment)
    if members.count() >= most:
        raise LimitReached(NOUNS[Thing.MEMBERS], most)


def _requests(compartment: Compartment) -> QuerySet[JoinRequest]:
    return JoinRequest.objects.filter(tenant=compartment.tenant).select_related("person")


def _may_give(compartment: Compartment, role: Role) -> None:
    if compartment.role is None or role not in compartment.role.may_grant():
        raise Invalid({"role": "This role is not yours to give: roles are given by a higher role."})


def _someone(compartment: Compartment, person_id: UUID) -> Membership:
    """Return the membership, locked, of somebody whose role is this person's to take."""
    members = _members(compartment)
    membership = fetch(members.select_related("person").select_for_update(of=("self",)), person_id=person_id)
    _may_give(compartment, Role(membership.role))
    return membership


def _members(compartment: Compartment) -> QuerySet[Membership]:
    """Return the tenant's memberships, those of owners locked: who changes them waits for who did before."""
    members = Membership.objects.filter(tenant=compartment.tenant)
    # Owners first and in one order, so that two who remove each other at once neither both succeed nor deadlock.
    list(members.filter(role=Role.OWNER).order_by("id").select_for_update())
    return members


def _keep_an_owner(compartment: Compartment, leaving: Membership) -> None:
    owners = Membership.objects.filter(tenant=compartment.tenant, role=Role.OWNER)
    if leaving.role == Role.OWNER and owners.count() == 1:
        raise Invalid({"role": "A tenant keeps at least one owner: make somebody else owner first."})
