"""Names that people type, found as the ids that the API takes."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from portal.cli import client
from portal.cli.failures import Code, Failure

ParameterSet = Annotated[str, typer.Option("--set", metavar="SET", help="The set's name or id.")]
ParameterName = Annotated[str, typer.Argument(metavar="NAME", help="The parameter's name.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the version and in the log.")]


def parameter_set(api: client.Api, wanted: str) -> str:
    """Return the id of the set of this name, or that has this id."""
    named = api.get("parameter-sets", name=wanted)["items"]
    if named:
        return str(named[0]["id"])
    try:
        return str(UUID(wanted))
    except ValueError:
        raise Failure(Code.DENIED, f"there is no parameter set {wanted}") from None


def parameter(api: client.Api, set_id: str, name: str) -> dict[str, Any]:
    items: list[dict[str, Any]] = api.get(f"parameter-sets/{set_id}/parameters")["items"]
    return _named(items, name, f"there is no parameter {name} in the set")


def path_to(api: client.Api, wanted: str, name: str | None) -> str:
    """Return the API's path to a parameter, or without a name to its set."""
    set_id = parameter_set(api, wanted)
    if name is None:
        return f"parameter-sets/{set_id}"
    return f"parameter-sets/{set_id}/parameters/{parameter(api, set_id, name)['id']}"


def deleted_set(api: client.Api, name: str) -> dict[str, Any]:
    return _named(api.every("deleted-parameter-sets"), name, f"no set {name} was deleted in the last 30 days")


def deleted_parameter(api: client.Api, set_id: str, name: str) -> dict[str, Any]:
    rows = api.every(f"parameter-sets/{set_id}/deleted-parameters")
    return _named(rows, name, f"no parameter {name} was deleted from the set in the last 30 days")


def _named(rows: Any, name: str, missing: str) -> dict[str, Any]:
    """Return the first of this name: where several were deleted, the last."""
    for row in rows:
        if row["name"] == name:
            return dict(row)
    raise Failure(Code.DENIED, missing)
