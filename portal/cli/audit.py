"""`audit`: what the log tells of everything, or of one record."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from portal.cli import client, output
from portal.cli.options import Json, Portal, Tenant

app = typer.Typer(help="The audit log.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `list` a command of its own: typer makes a single one the whole group."""


@app.command("list")
def list_(
    about: Annotated[
        list[str] | None,
        typer.Option("--about", metavar="NAME|ID", help="A record's name or id, or a person's id. Repeatable."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, newest first.")] = 50,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """List who did what, newest first."""
    items: list[dict[str, Any]] = []
    for item in client.signed_in(portal, tenant).every("audit", about=about or []):
        items.append(item)
        if len(items) == limit:
            break
    columns = {"No.": "position", "When": "at", "Who": "actor", "What": "action", "Subject": "subject"}
    output.listing(items, columns, empty="There is no such entry.", raw=as_json, shown=_row)


def _row(item: dict[str, Any]) -> dict[str, Any]:
    """Return what is shown of an entry; one that the portal did not write may lack all of it."""
    try:
        act = dict(json.loads(item["entry"]))
    except (ValueError, TypeError):
        act = {}
    shown = {name: str(act.get(name) or "") for name in ("actor", "action", "subject")}
    return {
        **item,
        **shown,
        "actor": f"{shown['actor']} (build {act['build']})" if act.get("build") else shown["actor"],
    }
