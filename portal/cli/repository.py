"""`repository`: what a tenant builds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from portal.cli import client, output
from portal.cli import labels as typed
from portal.cli.options import Json, Portal, Tenant

app = typer.Typer(help="Repositories and their labels.", no_args_is_help=True)


@app.command("list")
def list_(portal: Portal = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """List the repositories."""
    items = list(client.signed_in(portal, tenant).every("repositories"))
    columns = {"Name": "name", "Labels": "labels", "Address": "url"}
    output.listing(items, columns, empty="There is no repository yet.", raw=as_json, shown=_row)


@app.command()
def create(  # noqa: PLR0917 - typer reads options from parameters
    name: Annotated[str, typer.Argument(metavar="NAME", help="The repository's name.")],
    labels: typed.Labels = None,
    url: Annotated[str, typer.Option(metavar="URL", help="Its address, to be shown: https:// or ssh://.")] = "",
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Add a repository. Its labels decide what its builds get."""
    body = {"name": name, "url": url, "labels": [typed.label(text) for text in labels or ()]}
    made = client.signed_in(portal, tenant).post("repositories", body)
    output.done(f"{made['name']} is added.", made, raw=as_json)


def _row(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "labels": output.labels(item["labels"])}
