"""`ssh-key`: have a key made or rotated, hand it to the SSH agent, or write it to a file of one's own."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from portal.cli import client, identities, labels, output, ssh_certificate
from portal.cli.failures import Code, Failure
from portal.cli.options import Json, Portal, Repository, Tenant
from portal.cli.private import replace
from portal.cli.sealed import Ephemeral

MAX_PRIVATE: Final = 32 * 1024  # characters; the portal takes 16 KiB

app = typer.Typer(help="SSH keys, and certificates for one's own.", no_args_is_help=True)
app.command()(ssh_certificate.certificate)
app.add_typer(ssh_certificate.authority, name="authority")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The key's name.")]
Description = Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")]
KnownHosts = Annotated[
    Path | None,
    typer.Option("--known-hosts", metavar="FILE", help="Lines for its hosts, as ssh-keyscan prints them."),
]


class Algorithm(StrEnum):
    ED25519 = "ed25519"
    RSA_4096 = "rsa-4096"


@app.command("list")
def list_(portal: Portal = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """List the keys, public halves only."""
    items = list(client.signed_in(portal, tenant).every("ssh-keys"))
    columns = {"Name": "name", "Type": "kind", "Fingerprint": "fingerprint", "Last used": "used_at", "For": "for"}
    output.listing(items, columns, empty="There is no SSH key yet.", raw=as_json, shown=output.with_filters)


@app.command()
def generate(  # noqa: PLR0917 - typer reads options from parameters
    name: Name,
    filters: labels.Filters = None,
    everyone: labels.Everyone = False,
    algorithm: Annotated[Algorithm, typer.Option(help="RSA for hosts that take nothing newer.")] = Algorithm.ED25519,
    description: Description = "",
    known_hosts: KnownHosts = None,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Have the portal make a key, and print its public half. The private half is fetched by builds."""
    body = {
        "name": name,
        "filters": labels.chosen(filters, everyone=everyone),
        "algorithm": algorithm.value,
        "description": description,
        "known_hosts": _text(known_hosts),
    }
    _made(client.signed_in(portal, tenant).post("ssh-keys", body), as_json=as_json)


@app.command("import")
def take_in(  # noqa: PLR0917 - typer reads options from parameters
    name: Name,
    private_key: Annotated[
        str, typer.Argument(metavar="[FILE|-]", help="The private key, OpenSSH or PEM; - or nothing: standard input.")
    ] = "-",
    ask_passphrase: Annotated[
        bool, typer.Option("--ask-passphrase", help="Ask for the key's passphrase, which is used once and not kept.")
    ] = False,
    filters: labels.Filters = None,
    everyone: labels.Everyone = False,
    description: Description = "",
    known_hosts: KnownHosts = None,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Have the portal seal a private key that exists already, and print its public half."""
    body = {
        "name": name,
        "filters": labels.chosen(filters, everyone=everyone),
        "private_key": sys.stdin.read(MAX_PRIVATE) if private_key == "-" else _text(Path(private_key)),
        "passphrase": typer.prompt("Passphrase", hide_input=True, err=True) if ask_passphrase else "",
        "description": description,
        "known_hosts": _text(known_hosts),
    }
    _made(client.signed_in(portal, tenant).post("ssh-keys/import", body), as_json=as_json)


@app.command()
def delete(name: Name, portal: Portal = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """Shred the private halves of a key, all generations, for good. Take its public halves off hosts as well."""
    with client.naming(f"SSH key {name}"):
        deleted = client.signed_in(portal, tenant).post(f"ssh-keys/{client.part(name)}/delete", {})
    if as_json:
        output.as_json(deleted)
    else:
        output.note(f"{name} is deleted: take {', '.join(deleted['fingerprints'])} off hosts.")


@app.command()
def rotate(
    name: Name,
    algorithm: Annotated[Algorithm | None, typer.Option(help="Another than before.")] = None,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Have the portal make the next generation of a key beside the old, and print its public half.

    Builds get both. Put the new public half where the old one is, then retire the old generation.
    """
    body = {"algorithm": algorithm.value if algorithm else None}
    with client.naming(f"SSH key {name}"):
        made = client.signed_in(portal, tenant).post(f"ssh-keys/{client.part(name)}/rotate", body)
    if as_json:
        output.as_json(made)
    else:
        output.note(f"{made['name']} has a generation {made['generation']}; builds get it beside the older ones.")
        output.result(made["public"])


@app.command()
def retire(
    name: Name,
    generation: Annotated[
        int, typer.Option("--generation", "-g", metavar="NUMBER", min=1, help="As `generations` shows it.")
    ],
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Shred the private half of one generation of a key."""
    body = {"generation": generation}
    with client.naming(f"generation {generation} of an SSH key {name}"):
        retired = client.signed_in(portal, tenant).post(f"ssh-keys/{client.part(name)}/retire", body)
    if as_json:
        output.as_json(retired)
    else:
        output.note(f"{retired['name']}, generation {generation}, is retired: take {retired['fingerprint']} off hosts.")


@app.command()
def generations(name: Name, portal: Portal = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """List a key's generations, newest first, retired ones too."""
    with client.naming(f"SSH key {name}"):
        items = client.signed_in(portal, tenant).get(f"ssh-keys/{client.part(name)}/generations")["items"]
    columns = {
        "Generation": "generation",
        "Type": "kind",
        "Fingerprint": "fingerprint",
        "Made": "created_at",
        "Last used": "used_at",
        "Retired": "retired_at",
    }
    output.listing(items, columns, empty="There is none.", raw=as_json)


@app.command()
def fetch(  # noqa: PLR0917 - typer reads options from parameters
    repository: Repository,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The key's name; for --agent, without one, every key.")
    ] = None,
    to_agent: Annotated[bool, typer.Option("--agent", help="Give it to the SSH agent; it touches no disk.")] = False,
    lifetime: Annotated[int, typer.Option(metavar="SECONDS", min=1, help="How long the agent keeps it.")] = 3600,
    target: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it here, 0600.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if there is one.")] = False,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Fetch private keys that match a repository, to the SSH agent or one to a file; --json says where they went."""
    if to_agent == (target is not None):
        raise Failure(Code.USAGE, "say where the key goes: either --agent or --output FILE")
    if target is not None and name is None:
        raise Failure(Code.USAGE, "name the key that the file is for")
    if target is not None and target.exists() and not force:
        raise Failure(Code.FAILED, f"{target} exists: --force replaces it")
    if target is None and "SSH_AUTH_SOCK" not in os.environ:
        raise Failure(Code.FAILED, "no SSH agent is running here (SSH_AUTH_SOCK is not set)")
    with client.naming(f"SSH key {name} for builds of {repository}" if name else f"repository {repository}"):
        keys = _private_keys(client.signed_in(portal, tenant), name, repository)
    for key, private in keys:
        if target is None:
            identities.add(private, key, lifetime, os.environ["SSH_AUTH_SOCK"])
            output.note(f"{key} is in the SSH agent for {lifetime} s.")
        else:
            replace(target, private)
            output.note(f"{key} is in {target}.")
    if not keys:
        output.note(f"No key matches {repository}.")
    if as_json:
        where = {"output": None, "lifetime": lifetime} if target is None else {"output": str(target), "lifetime": None}
        output.as_json({"name": name, "repository": repository, **where})


def _private_keys(api: client.Api, name: str | None, repository: str) -> list[tuple[str, str]]:
    """Return names and private halves: of the key that is named, newest generation, or of all that match."""
    key = Ephemeral()
    if name is None:
        body: dict[str, Any] = {"key": key.public()}
        content = key.open(api.post(f"repositories/{client.part(repository)}/ssh-keys", body)["jwe"])
        found = [(str(item["name"]), str(item["private_key"])) for item in content["keys"]]
    else:
        body = {"key": key.public(), "repository": repository}
        content = key.open(api.post(f"ssh-keys/{client.part(name)}/fetch", body)["jwe"])
        found = [(str(content["name"]), str(content["private_key"]))]
    if (content["tenant"], content["repository"]) != (api.credential.tenant, repository):
        raise Failure(Code.FAILED, "the portal answered for another repository")
    if name is not None and content["name"] != name:
        raise Failure(Code.FAILED, "the portal answered for another key")
    return found


def _made(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.as_json(made)
    else:
        output.audience(made)
        output.result(made["public"])


def _text(path: Path | None) -> str:
    try:
        return path.read_text(encoding="utf-8") if path else ""
    except (OSError, ValueError) as error:
        raise Failure(Code.FAILED, f"{path} can't be read ({type(error).__name__})") from None
