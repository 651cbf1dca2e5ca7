"""`run`: a command with exactly the parameters that match a repository, decrypted in this process alone.

This process becomes the command (execve), so there is no parent that keeps the values, and the command's exit code,
signals and terminal are its own.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

import typer

from portal.cli import client, output
from portal.cli.failures import Code, Failure
from portal.cli.options import Portal, Repository, Tenant
from portal.cli.sealed import Ephemeral

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Names that make a program load or run something else. Whoever may write a parameter must not run code by its name.
DANGEROUS: Final = re.compile(
    r"PATH|IFS|ENV|BASH_ENV|BASH_FUNC_.*|SHELLOPTS|BASHOPTS|PS4|PROMPT_COMMAND|CDPATH|LD_.*|DYLD_.*|GCONV_PATH"
    r"|PYTHON(PATH|HOME|STARTUP|INSPECT|BREAKPOINT|WARNINGS)|PERL5?(LIB|OPT|DB)|RUBY(LIB|OPT)|NODE_(OPTIONS|PATH)"
    r"|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|GIT_(SSH|SSH_COMMAND|EXEC_PATH|CONFIG.*|EXTERNAL_DIFF|ASKPASS)"
    r"|EDITOR|VISUAL|PAGER|SSH_ASKPASS|HOME|XDG_CONFIG_HOME|BULKHEAD_.*",
)


def run(
    command: Annotated[list[str], typer.Argument(metavar="CMD…", help="The command and its arguments, after --.")],
    repository: Repository,
    allow_override: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Let a parameter set this variable although programs act on it. Repeatable."),
    ] = None,
    portal: Portal = None,
    tenant: Tenant = None,
) -> None:
    """Run a command with the parameters that match a repository in its environment.

    A name that isn't a valid variable, or that makes programs load or run something else (PATH, LD_PRELOAD,
    BASH_ENV, PYTHONPATH …), stops everything before the command starts, unless --allow-override names it.
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
        hint = " ".join(f"--allow-override {name}" for name in unsafe)
        raise Failure(Code.FAILED, f"programs act on {_listing(unsafe)}; nothing was run (to allow it: {hint})")
    if any("\x00" in value for value in values.values()):
        raise Failure(Code.FAILED, "a value holds a NUL character, which no environment can; nothing was run")


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
