"""`connection`: who may send messages to whom. One tenant proposes, the other accepts, either ends it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer

from portal.cli import client, output
from portal.cli.options import Json, Portal, Tenant

app = typer.Typer(help="Connections to other tenants.", no_args_is_help=True)

Connection = Annotated[UUID, typer.Argument(metavar="ID", help="The connection's id, from `connection list`.")]


class Direction(StrEnum):
    SEND = "send"
    RECEIVE = "receive"


@app.command("list")
def list_(portal: Portal = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """List the connections and proposals, also those that have ended."""
    items = list(client.signed_in(portal, tenant).every("connections"))
    columns = {"Id": "id", "From": "provider", "To": "consumer", "State": "state"}
    output.listing(items, columns, empty="There is no connection yet.", raw=as_json)


@app.command()
def propose(
    other: Annotated[str, typer.Argument(metavar="SLUG", help="The other tenant.")],
    direction: Annotated[Direction, typer.Option(help="What this tenant will do.")],
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Propose a connection; the other tenant accepts it. Prints its id."""
    body = {"other_slug": other, "direction": direction.value}
    _show(client.signed_in(portal, tenant).post("connections", body), as_json=as_json)


@app.command()
def accept(connection: Connection, portal: Portal = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """Accept what another tenant proposed."""
    _show(client.signed_in(portal, tenant).post(f"connections/{connection}/accept", {}), as_json=as_json)


@app.command()
def end(connection: Connection, portal: Portal = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """End a connection, or withdraw or decline a proposal. What was delivered stays."""
    _show(client.signed_in(portal, tenant).post(f"connections/{connection}/end", {}), as_json=as_json)


def _show(connection: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.as_json(connection)
        return
    output.note(f"{connection['provider']} to {connection['consumer']}: {connection['state']}.")
    output.result(connection["id"])
