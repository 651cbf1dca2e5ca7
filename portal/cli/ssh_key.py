"""`ssh-key`: have a key made, hand it to the SSH agent, or write it to a file of one's own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from portal.cli import client, labels, output
from portal.cli.failures import Code, Failure
from portal.cli.options import Json, Portal, Repository, Tenant
from portal.cli.sealed import Ephemeral

app = typer.Typer(help="SSH keys.", no_args_is_help=True)


@app.command("list")
def list_(portal: Portal = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """List the keys, public halves only."""
    items = list(client.signed_in(portal, tenant).every("ssh-keys"))
    if as_json:
        output.as_json(items)
        return
    rows = [{**item, "for": output.filters(item["filters"])} for item in items]
    columns = {"Name": "name", "Type": "kind", "Fingerprint": "fingerprint", "For": "for"}
    output.table(columns, rows, empty="There is no SSH key yet.")


@app.command()
def generate(  # noqa: PLR0917 - typer reads options from parameters
    name: Annotated[str, typer.Argument(help="The key's name.")],
    filters: labels.Filters = None,
    everyone: Annotated[bool, typer.Option("--every-repository", help="Builds of every repository get it.")] = False,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Have the portal make an Ed25519 key, and print its public half. The private half is fetched by builds."""
    if bool(filters) == everyone:
        raise Failure(Code.USAGE, "say whose builds get it: either --filter NAME=VALUE or --every-repository")
    body = {"name": name, "filters": labels.alternatives(filters or [])}
    made = client.signed_in(portal, tenant).post("ssh-keys", body)
    if as_json:
        output.as_json(made)
    else:
        output.note(f"{made['name']} is for {output.filters(made['filters'])}.")
        output.result(made["public"])


@app.command()
def fetch(  # noqa: PLR0917 - typer reads options from parameters
    name: Annotated[str, typer.Argument(help="The key's name.")],
    repository: Repository,
    agent: Annotated[bool, typer.Option("--agent", help="Give it to the SSH agent; it touches no disk.")] = False,
    lifetime: Annotated[int, typer.Option(metavar="SECONDS", min=1, help="How long the agent keeps it.")] = 3600,
    target: Annotated[Path | None, typer.Option("--output", "-o", help="Write it to this file, 0600.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if there is one.")] = False,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Fetch a private key that matches a repository, to the SSH agent or to a file; --json says where it went."""
    if agent == (target is not None):
        raise Failure(Code.USAGE, "say where the key goes: either --agent or --output FILE")
    if target is not None and target.exists() and not force:
        raise Failure(Code.FAILED, f"{target} exists: --force replaces it")
    private = _private_key(client.signed_in(portal, tenant), name, repository)
    if target is None:
        _add_to_agent(private, lifetime)
        output.note(f"{name} is in the SSH agent for {lifetime} s.")
    else:
        _write(private, target)
        output.note(f"{name} is in {target}.")
    if as_json:
        where = {"output": None, "lifetime": lifetime} if target is None else {"output": str(target), "lifetime": None}
        output.as_json({"name": name, "repository": repository, **where})


def _private_key(api: client.Api, name: str, repository: str) -> str:
    key = Ephemeral()
    body = {"key": key.public(), "repository": repository}
    content = key.open(api.post(f"ssh-keys/{client.part(name)}/fetch", body)["jwe"])
    if (content["tenant"], content["name"]) != (api.credential.tenant, name):
        raise Failure(Code.FAILED, "the portal answered for another key")
    return str(content["private_key"])


def _add_to_agent(private: str, lifetime: int) -> None:
    if "SSH_AUTH_SOCK" not in os.environ:
        raise Failure(Code.FAILED, "no SSH agent is running here (SSH_AUTH_SOCK is not set)")
    command = ["ssh-add", "-q", "-t", str(lifetime), "-"]
    try:
        added = subprocess.run(command, input=private.encode(), capture_output=True, check=False)  # noqa: S603 - fixed
    except FileNotFoundError:
        raise Failure(Code.FAILED, "ssh-add is not installed (Debian: openssh-client)") from None
    if added.returncode != 0:
        raise Failure(Code.FAILED, f"ssh-add refused the key: {added.stderr.decode(errors='replace').strip()}")


def _write(private: str, target: Path) -> None:
    """Write a new file and move it into place: 0600 from its first byte, and no link is followed."""
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".bulkhead-")
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(private)
        Path(name).replace(target)
    except OSError as error:
        raise Failure(Code.FAILED, f"{target} can't be written: {error.strerror}") from None
