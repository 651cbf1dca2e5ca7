"""`message`: send JSON that expires to a connected tenant; list and read what came."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer

from portal.cli import client, output
from portal.cli.failures import Code, Failure
from portal.cli.options import Json, Portal, Tenant

MAX_PAYLOAD: Final = 512 * 1024  # bytes
UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}

app = typer.Typer(help="Messages that expire.", no_args_is_help=True)


@app.command()
def send(  # noqa: PLR0917 - typer reads options from parameters
    to: Annotated[str, typer.Option(metavar="SLUG", help="The tenant to send to; there must be a connection.")],
    ttl: Annotated[str, typer.Option(metavar="TIME", help="How long it can be read: 90s, 15m, 1h, 7d.")],
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="The JSON; - or nothing: standard input.")] = "-",
    reads: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="How often it can be read; not given: until it expires.")
    ] = None,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Send a JSON message. Leave out what the other side need not know."""
    body = {"to": to, "ttl": _seconds(ttl), "reads": reads, "payload": _payload(file)}
    receipt = client.signed_in(portal, tenant).post("messages", body)
    if as_json:
        output.as_json(receipt)
    else:
        output.note(f"Sent to {to}; it expires at {receipt['expires_at']}.")
        output.result(receipt["id"])


@app.command("list")
def list_(
    sent: Annotated[bool, typer.Option("--sent", help="What this tenant sent, instead of what came.")] = False,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """List messages, without opening them."""
    items = list(client.signed_in(portal, tenant).every("messages/sent" if sent else "messages/inbox"))
    columns = {"Id": "id", "To" if sent else "From": "other", "State": "state", "Expires": "expires_at"}
    output.listing(items, columns, empty="There is no message.", raw=as_json)


@app.command()
def read(
    message_id: Annotated[UUID, typer.Argument(metavar="ID", help="The message's id, from `message list`.")],
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Open a message and print its JSON; --json puts that text, unchanged, into a field. This counts as a read."""
    payload = client.signed_in(portal, tenant).post(f"messages/{message_id}/read", {})["payload"]
    if as_json:
        output.as_json({"id": str(message_id), "payload": payload})
        return
    output.verbatim(payload)


def _seconds(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhd]?)", text)
    if not found:
        raise Failure(Code.USAGE, "--ttl is a number with s, m, h or d, such as 90s, 15m, 1h or 7d")
    return int(found[1]) * UNITS[found[2] or "s"]


def _payload(file: str) -> str:
    """Return the text as it is: the bytes that were written are the bytes that are read."""
    try:
        raw = sys.stdin.buffer.read(MAX_PAYLOAD + 1) if file == "-" else _bounded(Path(file))
        text = raw.decode()
        json.loads(text)
    except OSError as error:
        raise Failure(Code.FAILED, f"{file} can't be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise Failure(Code.FAILED, "the message must be JSON in UTF-8") from None
    return text


def _bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_PAYLOAD + 1)
