"""Messages: JSON that expires. A GET shows envelopes only; opening one is a POST, so that a preview burns nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from ninja import Query, Router, Status
from pydantic import Field

from portal.api.access import ApiRequest, member
from portal.api.schemas import PageQuery, Slug, Strict, answers
from tenants.actions import messages
from tenants.records.messages import Envelope
from tenants.records.models import SentMessage
from tenants.roles import Permission
from tenants.validation import MAX_JSON_BYTES

MAX_BODY: Final = 2 * MAX_JSON_BYTES  # JSON inside a JSON string: at worst nearly every byte is escaped

router = Router(tags=["messages"])


class NewMessage(Strict):
    to: Slug
    payload: Annotated[
        str,
        Field(
            max_length=MAX_JSON_BYTES,
            description="The message: JSON text, which arrives as it was written.",
            json_schema_extra={"contentMediaType": "application/json"},
        ),
    ]
    ttl: Annotated[int, Field(description="Seconds until it expires.")]
    reads: Annotated[int | None, Field(description="How often it can be read; null: until it expires.")] = None


class EnvelopeOut(Strict):
    id: UUID
    other: Annotated[str, Field(description="The tenant at the other end, as it was called then.")]
    state: Annotated[str, Field(description="waiting, delivered, refused, read, used or expired")]
    size: int
    reads: int
    reads_allowed: int | None
    created_at: datetime
    expires_at: datetime


class EnvelopePage(Strict):
    items: list[EnvelopeOut]
    next: str | None


class Opened(Strict):
    payload: str


def _out(message: Envelope) -> EnvelopeOut:
    return EnvelopeOut(
        id=message.id,
        other=message.peer,
        state=_state(message),
        size=message.size,
        reads=message.reads,
        reads_allowed=message.reads_allowed,
        created_at=message.created_at,
        expires_at=message.expires_at,
    )


def _state(message: Envelope) -> str:
    if getattr(message, "refused", ""):
        return "refused"
    if message.reads_allowed is not None and message.reads >= message.reads_allowed:
        return "used"
    if getattr(message, "expired", False):
        return "expired"
    if message.read_at is not None:
        return "read"
    return "waiting" if isinstance(message, SentMessage) and message.delivered_at is None else "delivered"


@router.post(
    "messages",
    auth=member(Permission.MESSAGES_SEND, body=MAX_BODY),
    response=answers(EnvelopeOut, status=201),
)
def send(request: ApiRequest, body: NewMessage) -> Status[EnvelopeOut]:
    """Send JSON to a connected tenant, sealed to it. Leave out what it need not know."""
    sent = messages.send_message(request.compartment, to=body.to, payload=body.payload, ttl=body.ttl, reads=body.reads)
    return Status(201, _out(sent))


@router.get("messages/inbox", auth=member(Permission.MESSAGES_LIST), response=answers(EnvelopePage))
def list_inbox(request: ApiRequest, page: Query[PageQuery]) -> EnvelopePage:
    """List the messages that came, newest first, without opening any."""
    found = messages.list_inbox(request.compartment, page.request())
    return EnvelopePage(items=[_out(message) for message in found.items], next=found.next)


@router.get("messages/sent", auth=member(Permission.MESSAGES_LIST), response=answers(EnvelopePage))
def list_sent(request: ApiRequest, page: Query[PageQuery]) -> EnvelopePage:
    """List the messages that this tenant sent, newest first: receipts without content."""
    found = messages.list_sent(request.compartment, page.request())
    return EnvelopePage(items=[_out(message) for message in found.items], next=found.next)


@router.get(
    "messages/{uuid:message_id}", auth=member(Permission.MESSAGES_LIST), response=answers(EnvelopeOut, also=(410,))
)
def get_envelope(request: ApiRequest, message_id: UUID) -> EnvelopeOut:
    """Show the envelope of a message that can still be read. This opens nothing and counts as no read."""
    return _out(messages.get_envelope(request.compartment, message_id))


@router.post(
    "messages/{uuid:message_id}/read",
    auth=member(Permission.MESSAGES_REVEAL),
    response=answers(Opened, also=(410,)),
)
def read(request: ApiRequest, message_id: UUID) -> Opened:
    """Open a message. This counts as a read; 410 when it has expired or was read as often as it may be."""
    return Opened(payload=messages.read_message(request.compartment, message_id).text)
