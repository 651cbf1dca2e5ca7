"""Before any compartment: the tenants of a person, asking for a new one, asking to be let into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction

from tenants import validation
from tenants.actions.rows import fetch, unique
from tenants.actor import Actor
from tenants.errors import Invalid
from tenants.provisioning.provision import USED_UP
from tenants.queue import wake
from tenants.registry.models import Certificate, JoinRequest, Membership, Person, Tenant, TenantRequest
from tenants.roles import Role

MAX_LISTED: Final = 200
MAX_WAITING: Final = 3
MAX_OWNED: Final = 20

_TAKEN: Final = "This address is taken: choose another one."


@dataclass(frozen=True, slots=True)
class Tenancy:
    tenant: Tenant
    role: Role


def tenants_of(person_id: UUID) -> list[Tenancy]:
    """Return the tenants a person belongs to, by name; at most MAX_LISTED."""
    rows = Membership.objects.filter(person_id=person_id).select_related("tenant").order_by("tenant__name")[:MAX_LISTED]
    return [Tenancy(row.tenant, Role(row.role)) for row in rows]


def requests_of(person_id: UUID) -> list[TenantRequest]:
    """Return what a person asked for and does not have yet, failures included."""
    rows = TenantRequest.objects.filter(person_id=person_id).exclude(state=TenantRequest.State.DONE)
    return list(rows.order_by("-created_at")[:50])


def request_tenant(actor: Actor, *, name: str, slug: str) -> TenantRequest:
    """Ask for a tenant; the provisioning worker makes it. Its state is read with `request_status`."""
    person_id = actor.require_person()
    request = TenantRequest(name=validation.title(name), slug=validation.slug(slug), person_id=person_id)
    if Tenant.objects.filter(slug=request.slug).exists():
        raise Invalid({"slug": _TAKEN})
    if Certificate.objects.filter(slug=request.slug).exists():
        raise Invalid({"slug": USED_UP})
    with unique("slug", _TAKEN), transaction.atomic():
        Person.objects.select_for_update().get(id=person_id)  # one request after the other: limits can't be raced
        _check_limits(person_id)
        request.save(force_insert=True)
    wake("provision", queue="provisioning")
    return request


def _check_limits(person_id: UUID) -> None:
    waiting = TenantRequest.objects.filter(person_id=person_id, state=TenantRequest.State.WAITING)
    if waiting.count() >= MAX_WAITING:
        raise Invalid({"name": f"{MAX_WAITING} tenants of yours are waiting to be made: wait until they are."})
    if Membership.objects.filter(person_id=person_id, role=Role.OWNER).count() >= MAX_OWNED:
        raise Invalid({"name": f"You own {MAX_OWNED} tenants already, as many as one person may."})


def request_status(actor: Actor, slug: str) -> TenantRequest:
    """Return the person's own request. Raises NotFound."""
    rows = TenantRequest.objects.filter(person_id=actor.require_person()).order_by("-created_at")
    return fetch(rows, slug=slug)


def ask_to_join(actor: Actor, *, slug: str, note: str) -> None:
    """Leave a request with a tenant's owners; whether the tenant exists is not said."""
    person_id, checked = actor.require_person(), validation.slug(slug)
    remark = validation.remark(note, "note", longest=200)
    tenant = Tenant.objects.filter(slug=checked).first()
    if tenant is None or Membership.objects.filter(tenant=tenant, person_id=person_id).exists():
        return
    JoinRequest.objects.get_or_create(tenant=tenant, person_id=person_id, defaults={"note": remark})
