"""`repository`: what a tenant builds."""

from __future__ import annotations

import typer

from portal.cli import client, output
from portal.cli.options import Json, Portal, Tenant

app = typer.Typer(help="Repositories and their labels.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Repositories and their labels."""


@app.command("list")
def list_(portal: Portal = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """List the repositories."""
    items = list(client.signed_in(portal, tenant).every("repositories"))
    if as_json:
        output.as_json(items)
        return
    rows = [{**item, "labels": output.labels(item["labels"])} for item in items]
    output.table({"Name": "name", "Labels": "labels", "Address": "url"}, rows, empty="There is no repository yet.")
