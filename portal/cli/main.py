"""`bulkhead`: parameters, SSH keys and messages of a tenant, for people's command lines and scripts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]  # typer documents the module

from portal.cli import audit, build, certificate, connection, message, parameter, repository, run, session, ssh_key
from portal.cli.failures import Commands

EXIT_CODES = """Exit codes: 0 done · 1 failed · 2 wrong usage · 3 not signed in · 4 not found or not allowed ·
5 gone or expired · 6 the portal can't be reached. `run` ends with its command's own code (126, 127 where it can't
be started)."""

app = typer.Typer(
    name="bulkhead",
    help="Use what a Bulkhead portal keeps for your builds, and exchange messages that expire.",
    epilog=EXIT_CODES,
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they print local variables, and those hold secrets
    context_settings={"help_option_names": ["-h", "--help"]},
)
session.add_to(app)
run.add_to(app)
app.add_typer(build.app, name="build")
app.add_typer(repository.app, name="repository")
app.add_typer(parameter.app, name="parameter")
app.add_typer(ssh_key.app, name="ssh-key")
app.add_typer(connection.app, name="connection")
app.add_typer(message.app, name="message")
app.add_typer(audit.app, name="audit")
app.add_typer(certificate.app, name="certificate")


class Shell(StrEnum):
    BASH = "bash"
    FISH = "fish"
    ZSH = "zsh"


@app.command()
def completion(shell: Annotated[Shell, typer.Argument(help="The shell to print the script for.")]) -> None:
    """Print a completion script, for example: bulkhead completion bash >> ~/.bashrc"""
    typer.echo(get_completion_script(prog_name="bulkhead", complete_var="_BULKHEAD_COMPLETE", shell=shell.value))
