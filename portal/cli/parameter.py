"""`parameter`: sets and their values. A value is read from standard input, a prompt or a file, never an argument."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from portal.cli import (
    client,
    found,
    labels,
    output,
    parameter_files,
    parameter_history,
    parameter_reach,
    parameter_search,
)
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
        columns = {"Set": "name", "For": "for", "Parameters": "size"}
        output.listing(items, columns, empty="There is no set yet.", raw=as_json, shown=output.with_filters)
    else:
        items = api.get(f"{found.path_to(api, parameter_set, None)}/parameters")["items"]
        columns = {"Parameter": "name", "Version": "version", "Kind": "kind", "Expires": "expires_on"}
        output.listing(items, columns, empty="The set is empty.", raw=as_json)


@app.command()
def create(  # noqa: PLR0917 - typer reads options from parameters
    name: Annotated[str, typer.Argument(help="The set's name.")],
    filters: labels.Filters = None,
    everyone: labels.Everyone = False,
    description: Annotated[str, typer.Option(metavar="TEXT", help="What its values are for.")] = "",
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Create an empty parameter set."""
    body = {"name": name, "description": description, "filters": labels.chosen(filters, everyone=everyone)}
    made = client.signed_in(portal, tenant).post("parameter-sets", body)
    output.audience(made)
    if as_json:
        output.as_json(made)


@app.command("set")
def set_(  # noqa: PLR0917 - typer reads options from parameters
    name: found.ParameterName,
    parameter_set: found.ParameterSet,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Take this file's text; a build gets it as a file."),
    ] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")] = None,
    expires: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When to be reminded to replace it.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Take no value; say whose builds would gain the name, and what wins.")
    ] = False,
    reason: found.Reason = "",
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Set a parameter. The value comes from standard input (one final newline is dropped), or is asked for."""
    api = client.signed_in(portal, tenant)
    set_id = found.parameter_set(api, parameter_set)
    if dry_run:
        parameter_reach.foretell(api, set_id, adds=[name], raw=as_json)
        return
    body: dict[str, Any] = {"name": name, "value": _value() if file is None else text_of(file), "reason": reason}
    body |= {"kind": "file"} if file else {}
    body |= {"description": description} if description is not None else {}
    body |= {"expires_on": expires.date().isoformat()} if expires else {}
    done = api.post(f"parameter-sets/{set_id}/parameters", body)
    output.done(f"{name} is set in {parameter_set}.", done, raw=as_json)


def text_of(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError:
        raise Failure(Code.FAILED, f"{file} is no UTF-8 text: encode it, for example with base64") from None
    except OSError as error:
        raise Failure(Code.FAILED, f"{file}: {error.strerror}") from None


def _value() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Value", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.read().removesuffix("\n")


for each in (parameter_history, parameter_reach, parameter_search, parameter_files):
    each.add_to(app)
