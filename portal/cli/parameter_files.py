"""`parameter import` and `export`: `.env`, JSON and YAML files, to the portal and from it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portal.cli import client, found, output, parameter_reach
from portal.cli.exporting import Format, written
from portal.cli.failures import Code, Failure
from portal.cli.options import Json, Portal, Tenant
from portal.cli.sealed import Ephemeral

_SUFFIXES = {".json": Format.JSON, ".yaml": Format.YAML, ".yml": Format.YAML}
FormatOption = Annotated[
    Format | None, typer.Option("--format", help="Else the file's name says it; `.env` files are dotenv.")
]


def import_(  # noqa: PLR0917 - typer reads options from parameters
    file: Annotated[Path, typer.Argument(help="The file; - is standard input.", allow_dash=True)],
    parameter_set: found.ParameterSet,
    form: FormatOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be stored, and whose builds would gain which names.")
    ] = False,
    reason: found.Reason = "",
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Import a file into a set: all of it, or nothing when a line is refused. Names are shown, never values."""
    text = _read(file)
    api = client.signed_in(portal, tenant)
    set_id = found.parameter_set(api, parameter_set)
    path = f"parameter-sets/{set_id}/import"
    body = {"content": text, "format": form or _SUFFIXES.get(file.suffix.lower(), Format.DOTENV)}
    done = api.post(path, {**body, "dry_run": True})
    if not done["refused"] and not dry_run:
        done = api.post(path, {**body, "reason": reason})
    elif not done["refused"]:
        done |= parameter_reach.of_names(api, set_id, done["added"])
    if as_json:
        output.as_json(done)
    else:
        _show(done)
    if done["refused"]:
        raise Failure(Code.FAILED, f"nothing {'would be' if dry_run else 'was'} stored: lines are refused")


def export(
    parameter_set: Annotated[str | None, typer.Option("--set", metavar="SET", help="Export this set.")] = None,
    repository: Annotated[
        str | None, typer.Option("--repository", "-r", metavar="NAME", help="Export what this repository's builds get.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.DOTENV,
    portal: Portal = None,
    tenant: Tenant = None,
) -> None:
    """Print values to standard output, for a file that you look after. Each export is in the tenant's audit log."""
    if (parameter_set is None) == (repository is None):
        raise Failure(Code.USAGE, "say what to export: either --set SET or --repository NAME")
    api = client.signed_in(portal, tenant)
    values = _of_set(api, parameter_set) if parameter_set is not None else _of_repository(api, str(repository))
    output.verbatim(written(values, form))


def _of_set(api: client.Api, wanted: str) -> dict[str, str]:
    set_id = found.parameter_set(api, wanted)
    return _opened(api, f"parameter-sets/{set_id}/export", "set", set_id)


def _of_repository(api: client.Api, name: str) -> dict[str, str]:
    with client.naming(f"repository {name} in {api.credential.tenant}"):
        return _opened(api, f"repositories/{client.part(name)}/environment", "repository", name)


def _opened(api: client.Api, path: str, what: str, wanted: str) -> dict[str, str]:
    key = Ephemeral()
    content = key.open(api.post(path, {"key": key.public()})["jwe"])
    if (content["tenant"], content[what]) != (api.credential.tenant, wanted):
        raise Failure(Code.FAILED, f"the portal answered for another {what}")
    values: dict[str, str] = content["values"]
    return values


def _read(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Failure(Code.FAILED, f"{file} is no UTF-8 text") from None
    except OSError as error:
        raise Failure(Code.FAILED, f"{file}: {error.strerror}") from None


def _show(done: dict[str, Any]) -> None:
    rows = [{"what": what, "name": name} for what in ("added", "changed", "unchanged") for name in done[what]]
    refused = [
        {"what": "refused", "name": each["name"] or "-", "line": each["line"], "why": each["complaint"]}
        for each in done["refused"]
    ]
    columns = {"What": "what", "Name": "name"} | ({"Line": "line", "Why": "why"} if refused else {})
    output.table(columns, [*refused, *rows], empty="There is nothing in it.")
    if "repositories" in done:
        parameter_reach.show(done)


def add_to(app: typer.Typer) -> None:
    app.command("import")(import_)
    app.command()(export)
