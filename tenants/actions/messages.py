"""Messages: sealed to the consumer as they are sent, opened only by the consumer, gone after their time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now

from secrets_vault import open_from, seal_to
from tenants import limits, validation
from tenants.actions.audit import record
from tenants.actions.rows import fetch
from tenants.compartment import Compartment, requires
from tenants.errors import Gone, Invalid
from tenants.pagination import Page, PageRequest, newest_first
from tenants.provisioning.places import sealing_place
from tenants.queue import wake
from tenants.records.models import ReceivedContent, ReceivedMessage, SealingSecret, SentContent, SentMessage
from tenants.registry.due import Due, announce, database_now
from tenants.registry.models import Connection, SealingKey
from tenants.roles import Permission

MAX_TTL: Final = 90 * 24 * 3600
MAX_READS: Final = 1000

_CLOCK: Final = {"expired": ExpressionWrapper(Q(expires_at__lte=Now()), output_field=BooleanField())}


@dataclass(frozen=True, slots=True)
class Opened:
    """A message that was read: its envelope and its JSON text."""

    envelope: ReceivedMessage
    text: str = field(repr=False)


@requires(Permission.MESSAGES_SEND)
def send_message(compartment: Compartment, *, to: str, payload: str, ttl: int, reads: int | None = None) -> SentMessage:
    """Seal JSON text to the tenant at address `to`, for `ttl` seconds and at most `reads` readings (None: any)."""
    raw = validation.json_payload(payload)
    _check_limits(ttl, reads)
    connection = _connection(compartment, to)
    limits.ask(compartment, "message.sent", len(raw))
    key = SealingKey.objects.filter(tenant_id=connection.consumer_id).order_by("-version")[0]
    now = database_now()
    message = SentMessage(
        id=uuid4(),
        connection_id=connection.id,
        peer_id=connection.consumer_id,
        peer=connection.consumer.slug,
        key_version=key.version,
        size=len(raw),
        reads_allowed=reads,
        expires_at=now + timedelta(seconds=ttl),
        author=compartment.actor.label,
    )
    sealed = seal_to(bytes(key.public), binding(message.id, compartment.tenant.id, connection.consumer_id), raw)
    hint = compartment.tenant.id, message.id
    announce(
        [
            (hint[0], Due.Kind.DELIVER, hint[1], now),
            (hint[0], Due.Kind.EXPIRE_SENT, hint[1], message.expires_at),
        ]
    )
    with compartment.transaction():
        message.save(force_insert=True)
        SentContent.objects.create(message=message, sealed=sealed)
        record(compartment, "message.sent", message.peer, message=str(message.id), bytes=len(raw), ttl=ttl)
    wake("sweep")
    return message


@requires(Permission.MESSAGES_LIST)
def list_sent(compartment: Compartment, page: PageRequest) -> Page[SentMessage]:
    """Return what was sent, newest first; each row says whether it has `expired`."""
    return newest_first(SentMessage.objects.annotate(**_CLOCK), page)


@requires(Permission.MESSAGES_LIST)
def list_inbox(compartment: Compartment, page: PageRequest) -> Page[ReceivedMessage]:
    return newest_first(ReceivedMessage.objects.annotate(**_CLOCK), page)


@requires(Permission.MESSAGES_LIST)
def get_envelope(compartment: Compartment, message_id: UUID) -> ReceivedMessage:
    """Return the envelope of a message that can still be read; looking at it opens nothing. Raises Gone."""
    return _readable(ReceivedMessage.objects.all(), message_id)


@requires(Permission.MESSAGES_REVEAL)
def read_message(compartment: Compartment, message_id: UUID) -> Opened:
    """Open a message. The log says so before the text leaves. Raises Gone."""
    with compartment.transaction(durable=True):
        message = _readable(ReceivedMessage.objects.select_for_update(), message_id)
        if message.expires_at <= database_now():
            raise Gone  # it expired while this reader waited for another
        text = _open(compartment, message)
        record(compartment, "message.read", message.peer, message=str(message.id), read=message.reads + 1)
        first = message.read_at is None
        if first:  # the hint before what it points to, as for every message (tenants/registry/due.py)
            announce([(compartment.tenant.id, Due.Kind.RECEIPT, message.id, database_now())])
        message.reads += 1
        message.read_at = message.read_at or database_now()
        if message.reads_allowed is not None and message.reads >= message.reads_allowed:
            message.removed_at = database_now()
            ReceivedContent.objects.filter(message=message).delete()
        message.save(update_fields=["reads", "read_at", "removed_at"])
    if first:
        wake("sweep")
    return Opened(message, text)


def binding(message_id: UUID, provider_id: UUID, consumer_id: UUID) -> dict[str, str]:
    """Return what a sealed message is bound to: moved to another message or tenant, it does not open."""
    return {"message": str(message_id), "provider": str(provider_id), "consumer": str(consumer_id)}


def _readable(rows: QuerySet[ReceivedMessage], message_id: UUID) -> ReceivedMessage:
    message = fetch(rows.annotate(**_CLOCK), id=message_id)
    if message.expired or message.removed_at is not None:
        raise Gone
    return message


def _open(compartment: Compartment, message: ReceivedMessage) -> str:
    content = ReceivedContent.objects.get(message=message)
    secret = SealingSecret.objects.get(version=message.key_version)
    place = sealing_place(compartment.tenant.id, secret.version)
    private = compartment.open(place, bytes(secret.sealed))
    context = binding(message.id, message.peer_id, compartment.tenant.id)
    return open_from(private, context, bytes(content.sealed)).decode()


def _connection(compartment: Compartment, to: str) -> Connection:
    rows = Connection.objects.select_related("consumer").filter(
        provider=compartment.tenant, consumer__slug=to.strip(), state=Connection.State.ACTIVE
    )
    connection = rows.first()
    if connection is None:
        raise Invalid({"to": "No tenant of this address receives messages from you: connect to it first."})
    return connection


def _check_limits(ttl: int, reads: int | None) -> None:
    shortest = settings.MESSAGE_TTL_MIN_SECONDS
    if not shortest <= ttl <= MAX_TTL:
        raise Invalid({"ttl": f"Choose {shortest} seconds to 90 days."})
    if reads is not None and not 1 <= reads <= MAX_READS:
        raise Invalid({"reads": f"Choose 1 to {MAX_READS:,} readings, or leave it out for any number."})
