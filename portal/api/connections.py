"""Connections: who may send messages to whom."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from ninja import Query, Router, Status

from portal.api.access import ApiRequest, member
from portal.api.schemas import PageQuery, Slug, Strict, answers
from tenants.actions import connections
from tenants.registry.models import Connection
from tenants.roles import Permission

router = Router(tags=["connections"])


class NewConnection(Strict):
    other_slug: Slug
    direction: Literal["send", "receive"]


class ConnectionOut(Strict):
    id: UUID
    provider: str
    consumer: str
    state: str
    created_at: datetime


class ConnectionPage(Strict):
    items: list[ConnectionOut]
    next: str | None


def _out(connection: Connection) -> ConnectionOut:
    return ConnectionOut(
        id=connection.id,
        provider=connection.provider.slug,
        consumer=connection.consumer.slug,
        state=connection.state,
        created_at=connection.created_at,
    )


@router.get("connections", auth=member(Permission.CONNECTIONS_LIST), response=answers(ConnectionPage))
def list_connections(request: ApiRequest, page: Query[PageQuery]) -> ConnectionPage:
    """List the connections, newest first."""
    found = connections.list_connections(request.compartment, page.request())
    return ConnectionPage(items=[_out(connection) for connection in found.items], next=found.next)


@router.post("connections", auth=member(Permission.CONNECTIONS_WRITE), response=answers(ConnectionOut, status=201))
def propose(request: ApiRequest, body: NewConnection) -> Status[ConnectionOut]:
    """Propose a connection: "send" makes this tenant the provider, "receive" the consumer."""
    proposed = connections.propose(request.compartment, other_slug=body.other_slug, direction=body.direction)
    return Status(201, _out(proposed))


@router.post(
    "connections/{uuid:connection_id}/accept",
    auth=member(Permission.CONNECTIONS_WRITE),
    response=answers(ConnectionOut),
)
def accept(request: ApiRequest, connection_id: UUID) -> ConnectionOut:
    """Accept what the other tenant proposed."""
    return _out(connections.accept(request.compartment, connection_id))


@router.post(
    "connections/{uuid:connection_id}/end",
    auth=member(Permission.CONNECTIONS_WRITE),
    response=answers(ConnectionOut),
)
def end(request: ApiRequest, connection_id: UUID) -> ConnectionOut:
    """End a connection, or withdraw or decline a proposal. What was delivered stays; nothing more is."""
    connections.end(request.compartment, connection_id)
    return _out(connections.get_connection(request.compartment, connection_id))
