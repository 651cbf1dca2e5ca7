"""`parameter reach`, `change` and `describe`: who gets a set's values, before and when that changes, and its notes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Annotated, Any

import typer

from portal.cli import client, found, labels, output
from portal.cli.failures import Code, Failure
from portal.cli.options import Json, Portal, Tenant


def reach(  # noqa: PLR0917 - typer reads options from parameters
    filters: labels.Filters = None,
    everyone: labels.Everyone = False,
    parameter_set: Annotated[
        str | None, typer.Option("--set", metavar="SET", help="The set that would be changed: its name or id.")
    ] = None,
    adds: Annotated[
        list[str] | None, typer.Option("--add", metavar="NAME", help="A name that the set would get. Repeatable.")
    ] = None,
    deletes: Annotated[
        list[str] | None, typer.Option("--delete", metavar="NAME", help="A name that it would lose. Repeatable.")
    ] = None,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Say which repositories filters match; with --set, whose builds would gain or lose which names by them.

    With --set and names to --add and --delete instead, the same of these; and what wins where several sets have a name.
    """
    if adds or deletes:
        if filters or everyone or parameter_set is None:
            raise Failure(Code.USAGE, "ask about filters, or with --set about names: --add NAME and --delete NAME")
        api = client.signed_in(portal, tenant)
        foretell(api, found.parameter_set(api, parameter_set), adds or (), deletes or (), raw=as_json)
        return
    wanted = labels.chosen(filters, everyone=everyone)
    api = client.signed_in(portal, tenant)
    about = {} if parameter_set is None else {"set_id": found.parameter_set(api, parameter_set)}
    seen = api.post("parameters/reach", {"filters": wanted, **about})
    if as_json:
        output.as_json(seen)
        return
    if seen["everything"]:
        output.note("Note: without a filter, builds of every repository receive this, those added later too.")
    if parameter_set is None:
        rows = [{"name": name} for name in seen["matches"]]
        output.table({"Repository": "name"}, rows, empty="No repository matches.")
        return
    show(seen)


def foretell(
    api: client.Api, set_id: str, adds: Collection[str] = (), deletes: Collection[str] | None = (), *, raw: bool
) -> None:
    """Say what setting and deleting these names (None: deleting all) would change; nothing is changed."""
    known = {each["name"]: each["id"] for each in api.get(f"parameter-sets/{set_id}/parameters")["items"]}
    lost = known if deletes is None else dict.fromkeys(deletes)
    if missing := [name for name in lost if name not in known]:
        raise Failure(Code.DENIED, f"there is no parameter {missing[0]} in the set")
    seen = of_names(api, set_id, adds, [known[name] for name in lost])
    if raw:
        output.as_json(seen)
        return
    for name in sorted({*adds} & known.keys()):
        output.note(f"{name} is in the set already: it would get another value, for the same builds.")
    show(seen)


def of_names(api: client.Api, set_id: str, adds: Iterable[str], deletes: Iterable[str] = ()) -> dict[str, Any]:
    """Return what setting these names, and deleting the parameters of these ids, would change."""
    return dict(api.post(f"parameter-sets/{set_id}/reach", {"adds": [*adds], "deletes": [*deletes]}))


def show(seen: dict[str, Any]) -> None:
    columns = {"Repository": "name", "Gains": "gains", "Loses": "loses", "In several sets": "several"}
    output.table(columns, [_row(each) for each in seen["repositories"]], empty="No build would get other names.")
    if seen["more"]:
        output.note(f"{seen['more']} more repositories are reached and not shown.")


def change(  # noqa: PLR0917 - typer reads options from parameters
    parameter_set: found.ParameterSet,
    filters: labels.Filters = None,
    everyone: labels.Everyone = False,
    name: Annotated[str | None, typer.Option("--rename", metavar="NAME", help="Its new name.")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What its values are for.")] = None,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Change a set's filters, name or description; its values stay. `reach` says before who gains and loses what."""
    if not filters and not everyone and name is None and description is None:
        raise Failure(Code.USAGE, "say what to change: --filter, --every-repository, --rename or --description")
    api = client.signed_in(portal, tenant)
    set_id = found.parameter_set(api, parameter_set)
    now = next((each for each in api.every("parameter-sets") if each["id"] == set_id), None)
    if now is None:
        raise Failure(Code.DENIED, f"there is no parameter set {parameter_set}")
    body = {
        "name": now["name"] if name is None else name,
        "description": now["description"] if description is None else description,
        "filters": labels.chosen(filters, everyone=everyone) if filters or everyone else now["filters"],
    }
    done = api.post(f"parameter-sets/{set_id}", body)
    output.audience(done)
    if as_json:
        output.as_json(done)


def describe(  # noqa: PLR0917 - typer reads options from parameters
    name: found.ParameterName,
    parameter_set: found.ParameterSet,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")] = None,
    expires: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When to be reminded to replace it.")
    ] = None,
    never: Annotated[bool, typer.Option("--never-expires", help="Take its date away.")] = False,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Change a parameter's description or date; its value and version stay."""
    if (description is None and expires is None and not never) or (expires is not None and never):
        raise Failure(Code.USAGE, "say what to change: --description, and either --expires or --never-expires")
    api = client.signed_in(portal, tenant)
    set_id = found.parameter_set(api, parameter_set)
    now = found.parameter(api, set_id, name)
    day = expires.date().isoformat() if expires else now["expires_on"]
    body = {
        "description": now["description"] if description is None else description,
        "expires_on": None if never else day,
    }
    done = api.post(f"parameter-sets/{set_id}/parameters/{now['id']}", body)
    output.note(f"{name} is changed; its value is the same.")
    if as_json:
        output.as_json(done)


def add_to(app: typer.Typer) -> None:
    for command in (reach, change, describe):
        app.command()(command)


def _row(each: dict[str, Any]) -> dict[str, str]:
    switches = [f"{switch['name']} from {switch['after']}, not {switch['before']}" for switch in each["switches"]]
    contests = [
        f"{contest['name']}: {' over '.join(contest['sets'])}{' and more' if contest['more'] else ''}"
        for contest in each["conflicts"]
    ]
    return {
        "name": each["name"],
        "gains": " ".join(each["gains"]),
        "loses": " ".join(each["loses"]),
        "several": "; ".join([*switches, *contests]),
    }
