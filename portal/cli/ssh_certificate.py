"""`ssh-key certificate` and `ssh-key authority`: certificates for one's own public key, and what hosts trust."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from portal.cli import client, output
from portal.cli.failures import Code, Failure
from portal.cli.options import Json, Portal, Tenant
from portal.cli.private import replace

MAX_KEY: Final = 2048  # characters of a .pub file

authority = typer.Typer(help="The tenant's SSH certificate authorities.", no_args_is_help=True)


def certificate(  # noqa: PLR0917 - typer reads options from parameters
    public_key: Annotated[Path, typer.Option("--public-key", "-k", metavar="FILE.pub", help="The key to certify.")],
    principals: Annotated[
        list[str] | None,
        typer.Option("--principal", metavar="NAME", help="Be named as this, of one's own names. (default: all)"),
    ] = None,
    ttl: Annotated[int, typer.Option(metavar="SECONDS", min=60, max=8 * 3600, help="How long it is valid.")] = 900,
    source_addresses: Annotated[
        list[str] | None, typer.Option("--source-address", metavar="CIDR", help="Valid from there alone. Repeatable.")
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where it goes (default: FILE-cert.pub, where ssh looks)."),
    ] = None,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Have a short-lived SSH certificate made for a public key, which hosts that trust the tenant's authority accept.

    It names who is signed in, and their role: <tenant>/github:1001 and <tenant>/role:member. The private key is not
    needed and stays where it is. --json prints the certificate and writes it nowhere.
    """
    body = {
        "public_key": _public(public_key),
        "principals": principals or [],
        "ttl": ttl,
        "source_addresses": source_addresses or [],
    }
    made = client.signed_in(portal, tenant).post("ssh-certificates", body)
    if as_json:
        output.as_json(made)
        return
    where = target or public_key.with_name(f"{public_key.name.removesuffix('.pub')}-cert.pub")
    replace(where, f"{made['certificate']}\n")
    output.note(f"{where} is valid until {made['valid_until']} for {', '.join(made['principals'])}.")


@authority.command("list")
def list_(portal: Portal = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """List the authorities, newest first; the oldest that is not retired signs."""
    items = client.signed_in(portal, tenant).get("ssh-authorities")["items"]
    columns = {"Id": "id", "Fingerprint": "fingerprint", "Made": "created_at", "State": "state"}
    output.listing(items, columns, empty="There is no SSH authority yet.", raw=as_json, shown=_row)


@authority.command("public")
def public(portal: Portal = None, tenant: Tenant = None) -> None:
    """Print the file for hosts: the public halves of all authorities that are not retired (TrustedUserCAKeys)."""
    items = client.signed_in(portal, tenant).get("ssh-authorities")["items"]
    trusted = [item["public"] for item in items if item["retired_at"] is None]
    if not trusted:
        raise Failure(Code.FAILED, "there is no SSH authority yet")
    for line in trusted:
        output.result(line)


@authority.command()
def create(portal: Portal = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """Make an authority, and print its public half. Beside others it signs when those are retired.

    So put what `public` prints on every host, and only then retire the older one.
    """
    _show(client.signed_in(portal, tenant).post("ssh-authorities", {}), as_json=as_json)


@authority.command()
def retire(
    authority_id: Annotated[UUID, typer.Argument(metavar="ID", help="As `list` shows it.")],
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Shred an authority's private half; the next oldest signs. Take its public half from the hosts as well."""
    _show(client.signed_in(portal, tenant).post(f"ssh-authorities/{authority_id}/retire", {}), as_json=as_json)


def _row(item: dict[str, Any]) -> dict[str, Any]:
    if item["retired_at"]:
        return {**item, "state": f"retired {item['retired_at']}"}
    return {**item, "state": "signs" if item["signs"] else "next"}


def _show(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.as_json(made)
    else:
        output.result(made["public"])


def _public(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(MAX_KEY)
    except (OSError, ValueError) as error:
        raise Failure(Code.FAILED, f"{path} can't be read ({type(error).__name__})") from None
    if "PRIVATE KEY" in text:
        # It would go to the portal and be refused there: it must not go anywhere.
        raise Failure(Code.USAGE, f"{path} is a private key: give the .pub file")
    return text.strip()
