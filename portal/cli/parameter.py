"""`parameter`: list the sets, set a value. A value is read from standard input or a prompt, never from an argument."""

from __future__ import annotations

import sys
from typing import Annotated
from uuid import UUID

import typer

from portal.cli import client, output
from portal.cli.failures import Code, Failure
from portal.cli.options import Json, Portal, Tenant

app = typer.Typer(help="Parameter sets and their values.", no_args_is_help=True)


@app.command("list")
def list_(
    parameter_set: Annotated[
        str | None, typer.Option("--set", metavar="SET", help="List what is in this set: its name or id.")
    ] = None,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """List the parameter sets, or what is in one; values are not shown."""
    api = client.signed_in(portal, tenant)
    if parameter_set is None:
        items = list(api.every("parameter-sets"))
    else:
        items = api.get(f"parameter-sets/{_find(api, parameter_set)}/parameters")["items"]
    if as_json:
        output.as_json(items)
    elif parameter_set is None:
        rows = [{**item, "for": output.filters(item["filters"])} for item in items]
        output.table({"Set": "name", "For": "for", "Parameters": "size"}, rows, empty="There is no set yet.")
    else:
        output.table({"Parameter": "name", "Version": "version"}, items, empty="The set is empty.")


@app.command("set")
def set_(
    name: Annotated[str, typer.Argument(help="The parameter's name.")],
    parameter_set: Annotated[str, typer.Option("--set", metavar="SET", help="The set's name or id.")],
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Set a parameter. The value comes from standard input (one final newline is dropped), or is asked for."""
    api = client.signed_in(portal, tenant)
    found = _find(api, parameter_set)
    done = api.post(f"parameter-sets/{found}/parameters", {"name": name, "value": _value()})
    output.note(f"{name} is set in {parameter_set}.")
    if as_json:
        output.as_json(done)


def _find(api: client.Api, wanted: str) -> str:
    """Return the id of the set of this name, or that has this id."""
    named = api.get("parameter-sets", name=wanted)["items"]
    if named:
        return str(named[0]["id"])
    try:
        return str(UUID(wanted))
    except ValueError:
        raise Failure(Code.DENIED, f"there is no parameter set {wanted}") from None


def _value() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Value", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.read().removesuffix("\n")
