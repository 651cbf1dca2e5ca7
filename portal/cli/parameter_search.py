"""`parameter search`, `find` and `expiring`: looking through all sets."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Final

import typer

from portal.cli import client, output
from portal.cli.options import Json, Portal, Tenant

MOST: Final = 100  # parameters that the portal lists as expiring


def search(
    text: Annotated[str, typer.Argument(help="What to look for in names, descriptions and labels (name=value).")],
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Find sets, parameters and repositories by what is shown of them."""
    found = client.signed_in(portal, tenant).get("parameters/search", text=text)
    if as_json:
        output.as_json(found)
        return
    rows: list[dict[str, Any]] = [
        *({"what": "set", "name": each["name"], "more": output.filters(each["filters"])} for each in found["sets"]),
        *(
            {"what": "parameter", "name": f"{each['set_name']}/{each['name']}", "more": each["description"]}
            for each in found["parameters"]
        ),
        *(
            {"what": "repository", "name": each["name"], "more": output.labels(each["labels"])}
            for each in found["repositories"]
        ),
    ]
    output.table({"What": "what", "Name": "name", "More": "more"}, rows, empty="Nothing holds this text.")


def find(portal: Portal = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """Find where exactly a value is stored, say because it leaked. It is read from standard input, or asked for."""
    if sys.stdin.isatty():
        value = str(typer.prompt("Value", hide_input=True, err=True))
    else:
        value = sys.stdin.read().removesuffix("\n")
    found = client.signed_in(portal, tenant).post("parameters/uses", {"value": value})
    if found["more"]:
        output.note(f"These were stored last; {found['more']} more hold it.")
    columns = {"Set": "set_name", "Parameter": "name", "Version": "version", "State": "state"}
    output.listing(found["items"], columns, empty="This value is stored nowhere.", raw=as_json)


def expiring(
    days: Annotated[int, typer.Option("--days", min=0, max=3650, help="How far to look ahead.")] = 30,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """List the parameters that are to be replaced by now or soon."""
    items = client.signed_in(portal, tenant).get("parameters/expiring", days=days)["items"]
    if as_json:
        output.as_json(items)
        return
    columns = {"Expires": "expires_on", "Set": "set_name", "Parameter": "name", "For": "description"}
    output.table(columns, items, empty=f"Nothing expires within {days} days.")
    if len(items) == MOST:
        output.note(f"These are the first {MOST}: ask for fewer days to see whether there are more.")


def add_to(app: typer.Typer) -> None:
    for command in (search, find, expiring):
        app.command()(command)
