"""What workers do when it is due: move sealed bytes from outbox to inbox, carry receipts back, end what has expired.

Every step may run twice, late, or after a crash half-way: the message's id is the same on both sides, an inbox row is
inserted once, and the hint in the registry goes only when the work is done. Suspended tenants are passed over, also by
expiry: nothing of theirs changes, and nothing is read either. Reinstating one makes its work due at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models.functions import Now

from tenants.actions import builds
from tenants.actions.audit import record
from tenants.actions.messages import MAX_TTL
from tenants.actor import Actor
from tenants.compartment import Compartment, enter_as_system
from tenants.errors import NotFound, Suspended
from tenants.records.messages import Envelope
from tenants.records.models import ReceivedContent, ReceivedMessage, SentContent, SentMessage
from tenants.registry.due import GRACE, Due, announce, claim, database_now, done, settle, wait_for_reinstatement
from tenants.registry.models import Connection
from tenants.reminding import remind_due
from tenants.shredding import shred_due
from tenants.usage import count_due

logger: Final = logging.getLogger(__name__)
_COURIER: Final = Actor.system("delivery")
_SWEEPER: Final = Actor.system("expiry")
_BATCH: Final = 100


def sweep() -> int:
    """Do everything whose time has come; return how much that was. Costs what is due, not how many tenants exist."""
    total = 0
    suspended: set[UUID] = set()  # whose work was put off, all of it, when the first of it was met
    while batch := claim(_BATCH):
        total += len(batch)
        for due in batch:
            if due.tenant_id not in suspended:
                _attempt(due, suspended)
    return total


def _attempt(due: Due, suspended: set[UUID]) -> None:
    try:
        _WORK[Due.Kind(due.kind)](due)
    except Suspended:
        if wait_for_reinstatement(due.tenant_id):
            suspended.add(due.tenant_id)
        logger.info("tenant suspended; %s waits", due.kind)
    except NotFound:
        _drop_if_orphaned(due)
    except Exception:  # one poisoned message must not stop the others; the claim brings it back later
        logger.exception("%s failed for message %s", due.kind, due.message_id)


def _drop_if_orphaned(due: Due) -> None:
    """Forget a hint whose message never came, once no transaction that could bring it can be alive."""
    if database_now() - due.created_at > GRACE:
        settle(due, None)


def _deliver(due: Due) -> None:
    with enter_as_system(due.tenant_id, _COURIER) as provider:
        message = _sent(due.message_id)
        content = SentContent.objects.filter(message=message).first()
        if content is None:
            done(due.tenant_id, due.message_id, Due.Kind.DELIVER)
            return
        if message.expires_at <= database_now():
            return  # its removal is due as well, and removes this hint too
        if not _connected(provider, message):
            _refuse(provider, message)
            return
        announce([(message.peer_id, Due.Kind.EXPIRE_RECEIVED, message.id, message.expires_at)])
        _put(provider, message, bytes(content.sealed))
        with provider.transaction():
            SentMessage.objects.filter(id=message.id).update(delivered_at=Now())
            content.delete()
            record(provider, "message.delivered", message.peer, message=str(message.id))
    done(due.tenant_id, due.message_id, Due.Kind.DELIVER, Due.Kind.EXPIRE_SENT)


def _put(provider: Compartment, message: SentMessage, sealed: bytes) -> None:
    """Insert into the consumer's inbox, once."""
    with enter_as_system(message.peer_id, _COURIER) as consumer, consumer.transaction():
        if ReceivedMessage.objects.filter(id=message.id).exists():
            return
        now = database_now()
        received = ReceivedMessage(
            id=message.id,
            connection_id=message.connection_id,
            peer_id=provider.tenant.id,
            peer=provider.tenant.slug,
            key_version=message.key_version,
            size=min(message.size, len(sealed)),
            reads_allowed=message.reads_allowed,
            expires_at=min(message.expires_at, now + timedelta(seconds=MAX_TTL)),
            delivered_at=now,
        )
        received.save(force_insert=True)
        ReceivedContent.objects.create(message=received, sealed=sealed)
        record(consumer, "message.received", received.peer, message=str(received.id), bytes=received.size)


def _refuse(provider: Compartment, message: SentMessage) -> None:
    with provider.transaction():
        SentMessage.objects.filter(id=message.id).update(refused="The connection has ended.", removed_at=Now())
        SentContent.objects.filter(message=message).delete()
        record(provider, "message.refused", message.peer, message=str(message.id))
    done(provider.tenant.id, message.id, Due.Kind.DELIVER, Due.Kind.EXPIRE_SENT)


def _expire_sent(due: Due) -> None:
    with enter_as_system(due.tenant_id, _SWEEPER) as provider, provider.transaction():
        message = _sent(due.message_id)
        if _early(due, message):
            return
        removed, _ = SentContent.objects.filter(message=message, message__expires_at__lte=Now()).delete()
        if removed:
            SentMessage.objects.filter(id=message.id).update(removed_at=Now())
            record(provider, "message.expired", message.peer, message=str(message.id), delivered=0)
    done(due.tenant_id, due.message_id, Due.Kind.EXPIRE_SENT, Due.Kind.DELIVER)


def _expire_received(due: Due) -> None:
    with enter_as_system(due.tenant_id, _SWEEPER) as consumer, consumer.transaction():
        message = _received(due.message_id, lock=True)  # in the order in which a reader locks
        if _early(due, message):
            return
        removed, _ = ReceivedContent.objects.filter(message=message, message__expires_at__lte=Now()).delete()
        if removed:
            ReceivedMessage.objects.filter(id=message.id).update(removed_at=Now())
            record(consumer, "message.expired", message.peer, message=str(message.id), reads=message.reads)
    done(due.tenant_id, due.message_id, Due.Kind.EXPIRE_RECEIVED)


def _end_build(due: Due) -> None:
    """End a build that nobody ended; its token has expired by itself."""
    with enter_as_system(due.tenant_id, _SWEEPER) as inside:
        again = builds.end_overdue(inside, due.message_id)
    if again is None:
        done(due.tenant_id, due.message_id, Due.Kind.END_BUILD)
    else:
        Due.objects.filter(id=due.id).update(due_at=again, attempts=0)


def _early(due: Due, message: Envelope) -> bool:
    """Put a removal back to its time if that has not come: what waits for a tenant is looked at together."""
    if message.expires_at <= database_now():
        return False
    Due.objects.filter(id=due.id).update(due_at=message.expires_at, attempts=0)
    return True


def _receipt(due: Due) -> None:
    with enter_as_system(due.tenant_id, _COURIER) as consumer, consumer.transaction():
        received = _received(due.message_id, lock=True)  # waits for who is reading it, and relies on this hint
        if received.read_at is None:
            _drop_if_orphaned(due)
            return
    with enter_as_system(received.peer_id, _COURIER) as provider, provider.transaction():
        sent = SentMessage.objects.filter(id=received.id, peer_id=due.tenant_id, read_at=None)
        if sent.update(read_at=Now(), reads=1):
            record(provider, "message.read_by_peer", consumer.tenant.slug, message=str(received.id))
    done(due.tenant_id, due.message_id, Due.Kind.RECEIPT)


def _sent(message_id: UUID) -> SentMessage:
    message = SentMessage.objects.filter(id=message_id).first()
    if message is None:
        raise NotFound
    return message


def _received(message_id: UUID, *, lock: bool = False) -> ReceivedMessage:
    rows = ReceivedMessage.objects.select_for_update() if lock else ReceivedMessage.objects.all()
    message = rows.filter(id=message_id).first()
    if message is None:
        raise NotFound
    return message


def _connected(provider: Compartment, message: SentMessage) -> bool:
    """Ask the registry, not the compartment: what stands in a tenant's own table may be its own invention."""
    ends = {"provider_id": provider.tenant.id, "consumer_id": message.peer_id}
    return Connection.objects.filter(id=message.connection_id, state=Connection.State.ACTIVE, **ends).exists()


_WORK: Final[Mapping[Due.Kind, Callable[[Due], None]]] = {
    Due.Kind.DELIVER: _deliver,
    Due.Kind.EXPIRE_SENT: _expire_sent,
    Due.Kind.EXPIRE_RECEIVED: _expire_received,
    Due.Kind.RECEIPT: _receipt,
    Due.Kind.SHRED: shred_due,
    Due.Kind.COUNT: count_due,
    Due.Kind.REMIND: remind_due,
    Due.Kind.END_BUILD: _end_build,
}
