"""`parameter delete`, `restore`, `history`, `rollback`: what became of parameters. No value is ever shown."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from portal.cli import client, found, output, parameter_reach
from portal.cli.failures import Code, Failure
from portal.cli.options import Json, Portal, Tenant

Name = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="The parameter's name; without it, the whole set is meant.")
]


def delete(  # noqa: PLR0917 - typer reads options from parameters
    parameter_set: found.ParameterSet,
    name: Name = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting a whole set.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say whose builds would lose which names, and what wins then.")
    ] = False,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Delete a parameter, or a whole set. For 30 days `restore` undoes it; then it is shredded."""
    api = client.signed_in(portal, tenant)
    if dry_run:
        lost = None if name is None else [name]
        parameter_reach.foretell(api, found.parameter_set(api, parameter_set), deletes=lost, raw=as_json)
        return
    path = found.path_to(api, parameter_set, name)
    if name is None and not yes and not typer.confirm(f"Delete the whole set {parameter_set}?", err=True):
        raise Failure(Code.FAILED, "nothing was deleted")
    done = api.post(f"{path}/delete", {})
    output.done(f"{name or parameter_set} is deleted; for 30 days it can be restored.", done, raw=as_json)


def restore(  # noqa: PLR0917 - typer reads options from parameters
    parameter_set: found.ParameterSet,
    name: Name = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say whose builds would gain which names, and what wins then.")
    ] = False,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Undo the deletion of a parameter, or of a whole set."""
    api = client.signed_in(portal, tenant)
    if name is None:
        set_id = found.deleted_set(api, parameter_set)["id"]
        path = f"parameter-sets/{set_id}"
    else:
        set_id = found.parameter_set(api, parameter_set)
        path = f"parameter-sets/{set_id}/parameters/{found.deleted_parameter(api, set_id, name)['id']}"
    if dry_run:
        _foretell_restoring(api, set_id, parameter_set, name, raw=as_json)
        return
    done = api.post(f"{path}/restore", {})
    output.done(f"{name or parameter_set} is back.", done, raw=as_json)


def history(
    name: found.ParameterName,
    parameter_set: found.ParameterSet,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """List a parameter's versions, the newest first. Equal values have one fingerprint; lengths are rounded."""
    api = client.signed_in(portal, tenant)
    items = list(api.every(f"{found.path_to(api, parameter_set, name)}/versions"))
    columns = {
        "Version": "version",
        "In force": "in_force",
        "By": "author",
        "At": "created_at",
        "Reason": "reason",
        "Length": "length",
        "Fingerprint": "fingerprint",
    }
    output.listing(items, columns, empty="There is no version.", raw=as_json)


def rollback(  # noqa: PLR0917 - typer reads options from parameters
    name: found.ParameterName,
    parameter_set: found.ParameterSet,
    version: Annotated[int, typer.Option("--version", min=1, metavar="NUMBER", help="The version to go back to.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say whether builds would get another value than now.")
    ] = False,
    reason: found.Reason = "",
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Store an earlier value as the next version. It takes no right to read it, and nothing is shown."""
    api = client.signed_in(portal, tenant)
    set_id = found.parameter_set(api, parameter_set)
    now = found.parameter(api, set_id, name)
    path = f"parameter-sets/{set_id}/parameters/{now['id']}"
    if dry_run:
        _foretell_rollback(api, path, now, version, raw=as_json)
        return
    done = api.post(f"{path}/roll-back", {"version": version, "reason": reason})
    output.done(f"{name} has the value of version {version} again, as version {done['version']}.", done, raw=as_json)


def _foretell_restoring(api: client.Api, set_id: str, parameter_set: str, name: str | None, *, raw: bool) -> None:
    """Say what it would change, or raise what would refuse it."""
    if name is None:
        taken = bool(api.get("parameter-sets", name=parameter_set)["items"])
    else:
        taken = any(each["name"] == name for each in api.get(f"parameter-sets/{set_id}/parameters")["items"])
    if taken:
        raise Failure(Code.FAILED, f"another {name or parameter_set} is there now: delete that one first")
    if name is None:
        seen = api.get(f"deleted-parameter-sets/{set_id}/reach")
    else:
        seen = parameter_reach.of_names(api, set_id, [name])
    if raw:
        output.as_json(seen)
    else:
        parameter_reach.show(seen)


def _foretell_rollback(api: client.Api, path: str, now: dict[str, Any], version: int, *, raw: bool) -> None:
    """Say what it would change, or raise what refuses it; no name comes or goes."""
    if version == now["version"]:
        raise Failure(Code.FAILED, f"version {version} is in force already: choose an earlier one")
    with client.naming(f"version {version} of {now['name']}"):
        compared = api.get(f"{path}/comparison", left=now["version"], right=version)
    if raw:
        output.as_json({**compared, "repositories": [], "more": 0})
        return
    value = "the value that it has" if compared["same"] else "another value"
    output.note(f"{now['name']} would get {value}, for the same builds: version {version} again.")


def add_to(app: typer.Typer) -> None:
    for command in (delete, restore, history, rollback):
        app.command()(command)
