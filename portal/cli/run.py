"""`run`: a command with exactly the parameters that match a repository, decrypted in this process alone.

This process becomes the command (execve), so there is no parent that keeps the values, and the command's exit code,
signals and terminal are its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Annotated

import typer

from portal.cli import client, output
from portal.cli.failures import Code, Failure
from portal.cli.options import Portal, Repository, Tenant
from portal.cli.sealed import Ephemeral
from portal.cli.variables import DANGEROUS, NAME


def run(
    command: Annotated[list[str], typer.Argument(metavar="CMD…", help="The command and its arguments, after --.")],
    repository: Repository,
    allow_override: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Let a parameter set this variable all the same. Repeatable."),
    ] = None,
    portal: Portal = None,
    tenant: Tenant = None,
) -> None:
    """Run a command with the parameters that match a repository in its environment.

    A name that isn't a valid variable, that is set here to another value, or that makes programs load, run or trust
    something else (PATH, LD_PRELOAD, GIT_…, HTTPS_PROXY …) stops everything before the command starts, unless
    --allow-override names it. The list of such names is a net, not a wall: let only those write parameters who may
    decide what the command does.
    """
    values, conflicts = _environment(client.signed_in(portal, tenant), repository)
    _refuse(values, allowed=set(allow_override or ()))
    for name, sets in conflicts.items():
        output.complain(f"warning: {name} is defined by {_listing(sets)}; the value is that of {sets[0]}")
    _become(command, {**os.environ, **values})


def _environment(api: client.Api, repository: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    key = Ephemeral()
    answer = api.post(f"repositories/{client.part(repository)}/environment", {"key": key.public()})
    content = key.open(answer["jwe"])
    if (content["tenant"], content["repository"]) != (api.credential.tenant, repository):
        raise Failure(Code.FAILED, "the portal answered for another repository")
    return content["values"], content["conflicts"]


def _refuse(values: Mapping[str, str], *, allowed: set[str]) -> None:
    invalid = sorted(name for name in values if not NAME.fullmatch(name))
    if invalid:
        raise Failure(Code.FAILED, f"no environment variable can be called {_listing(invalid)}; nothing was run")
    unsafe = sorted(name for name in values if DANGEROUS.fullmatch(name) and name not in allowed)
    if unsafe:
        raise Failure(Code.FAILED, f"programs act on {_listing(unsafe)}; nothing was run ({_hint(unsafe)})")
    taken = sorted(name for name, value in values.items() if os.environ.get(name, value) != value)
    taken = [name for name in taken if name not in allowed]
    if taken:
        raise Failure(Code.FAILED, f"{_listing(taken)} is set here to another value; nothing was run ({_hint(taken)})")
    if any("\x00" in value for value in values.values()):
        raise Failure(Code.FAILED, "a value holds a NUL character, which no environment can; nothing was run")


def _hint(names: Iterable[str]) -> str:
    return "to allow it: " + " ".join(f"--allow-override {name}" for name in names)


def _listing(names: Iterable[str]) -> str:
    return ", ".join(names)


def _become(command: list[str], environment: dict[str, str]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 - the person's own command, without a shell
    except FileNotFoundError:
        raise Failure(127, f"{command[0]}: command not found") from None
    except OSError as error:
        raise Failure(126, f"{command[0]}: {error.strerror}") from None


def add_to(app: typer.Typer) -> None:
    settings = {"allow_interspersed_args": False}  # what follows the command is the command's own
    app.command(context_settings=settings)(run)
