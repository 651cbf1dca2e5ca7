"""Connections: one tenant proposes, the other accepts, either ends. The rows are the registry's."""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from tenants import validation
from tenants.actions.audit import record
from tenants.actions.rows import fetch, unique
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid
from tenants.pagination import Page, PageRequest, newest_first
from tenants.registry.models import Connection, Tenant, TenantState
from tenants.roles import Permission

MAX_CONSUMERS: Final = 200

Direction = Literal["send", "receive"]


def _own(compartment: Compartment) -> QuerySet[Connection]:
    mine = Q(provider=compartment.tenant) | Q(consumer=compartment.tenant)
    return Connection.objects.filter(mine).select_related("provider", "consumer")


@requires(Permission.CONNECTIONS_LIST)
def list_connections(compartment: Compartment, page: PageRequest) -> Page[Connection]:
    return newest_first(_own(compartment), page)


@requires(Permission.CONNECTIONS_LIST)
def get_connection(compartment: Compartment, connection_id: UUID) -> Connection:
    return fetch(_own(compartment), id=connection_id)


@requires(Permission.CONNECTIONS_LIST)
def list_consumers(compartment: Compartment) -> list[Tenant]:
    """Return the tenants that this one may send to now; at most MAX_CONSUMERS."""
    rows = _own(compartment).filter(provider=compartment.tenant, state=Connection.State.ACTIVE)
    return [row.consumer for row in rows.order_by("consumer__name")[:MAX_CONSUMERS]]


@requires(Permission.CONNECTIONS_WRITE)
def propose(compartment: Compartment, *, other_slug: str, direction: Direction) -> Connection:
    """Offer another tenant a connection: "send" makes this tenant the provider, "receive" the consumer."""
    if direction not in {"send", "receive"}:
        raise Invalid({"direction": "Choose to send or to receive."})
    slug = validation.slug(other_slug, "other_slug")
    other = Tenant.objects.filter(slug=slug, state=TenantState.ACTIVE).first()
    if other is None:
        raise Invalid({"other_slug": "No tenant has this address: ask them which it is."})
    if other.id == compartment.tenant.id:
        raise Invalid({"other_slug": "This is your own tenant: name another one."})
    ends = (compartment.tenant, other) if direction == "send" else (other, compartment.tenant)
    connection = Connection(provider=ends[0], consumer=ends[1], proposed_by=compartment.tenant)
    with unique("other_slug", "There is such a connection, or a proposal, already."), transaction.atomic():
        connection.save(force_insert=True)
        record(compartment, "connection.proposed", other.slug, id=str(connection.id), direction=direction)
    return connection


@requires(Permission.CONNECTIONS_WRITE)
def accept(compartment: Compartment, connection_id: UUID) -> Connection:
    """Accept the other tenant's proposal; one's own is the other's to accept."""
    with transaction.atomic():
        connection = fetch(_own(compartment).select_for_update(of=("self",)), id=connection_id)
        if connection.state != Connection.State.PROPOSED or connection.proposed_by_id == compartment.tenant.id:
            raise Invalid({"connection": "There is nothing to accept: the other tenant accepts what you proposed."})
        connection.state = Connection.State.ACTIVE
        connection.save(update_fields=["state"])
        Connection.objects.filter(id=connection.id).update(accepted_at=Now())
        record(compartment, "connection.accepted", _other(compartment, connection).slug, id=str(connection.id))
    return connection


@requires(Permission.CONNECTIONS_WRITE)
def end(compartment: Compartment, connection_id: UUID) -> None:
    """End a connection, or withdraw or decline a proposal. What was delivered stays; nothing more is."""
    with transaction.atomic():
        connection = fetch(_own(compartment).select_for_update(of=("self",)), id=connection_id)
        if connection.state == Connection.State.ENDED:
            raise Invalid({"connection": "This connection has ended already."})
        Connection.objects.filter(id=connection.id).update(
            state=Connection.State.ENDED, ended_at=Now(), ended_by=compartment.tenant
        )
        record(compartment, "connection.ended", _other(compartment, connection).slug, id=str(connection.id))


def _other(compartment: Compartment, connection: Connection) -> Tenant:
    return connection.consumer if connection.provider_id == compartment.tenant.id else connection.provider
