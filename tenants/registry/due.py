"""What is due where: an index of work, so that a sweep costs what is due and not how many tenants there are.

A row here is a hint. It is committed *before* what it points to (a message, a build, a deletion), so that none of them
can lack one; a hint whose message never came is dropped once no transaction that could still bring it can be alive.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import ClassVar, Final
from uuid import UUID

from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.registry.connections import Connection
from tenants.registry.tenants import Tenant, TenantState


class Due(models.Model):
    class Kind(models.TextChoices):
        DELIVER = "deliver"
        EXPIRE_SENT = "expire-sent"
        EXPIRE_RECEIVED = "expire-received"
        RECEIPT = "receipt"
        END_BUILD = "end-build"
        SHRED = "shred"
        REMIND = "remind"
        COUNT = "count"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")  # whose compartment holds it
    kind = models.CharField(max_length=16, choices=Kind)
    message_id = models.UUIDField()  # or the id of whatever the kind is about
    due_at = models.DateTimeField(db_index=True)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "due"
        constraints: ClassVar = [
            # Of what may be moved to an earlier day each new day is a hint more: who moves it can't change hints.
            models.UniqueConstraint(
                fields=["tenant", "kind", "message_id"], condition=~Q(kind="remind"), name="due_once"
            )
        ]


# No transaction that could still bring a hint's message lives this long: a statement ends after 30 s, an idle
# transaction after 60 s (tenants/provisioning).
GRACE: Final = timedelta(minutes=10)

# Claiming moves the row into the future by 30 s, 1 min, 2 min … 64 min: a worker that dies gives it back by itself, and
# work that can't succeed (a suspended peer) costs less and less.
_CLAIM: Final = """
UPDATE due SET attempts = attempts + 1, due_at = now() + interval '30 s' * 2 ^ least(attempts, 7)
WHERE id IN (SELECT id FROM due WHERE due_at <= now() ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id, tenant_id, kind, message_id, due_at, attempts, created_at"""


def claim(limit: int) -> list[Due]:
    """Take up to `limit` rows whose time has come, each for this worker alone until its new `due_at`.

    The oldest comes first: what the others rely on is settled by then, and not looked at once more.
    """
    return sorted(Due.objects.raw(_CLAIM, [limit]), key=attrgetter("id"))


# How long work waits for a suspended tenant before it is tried again: reinstating makes it due at once.
_WAIT: Final = timedelta(hours=1)


def wait_for_reinstatement(tenant_id: UUID) -> bool:
    """If the tenant is suspended, put off all of its work that is due, in one statement; say whether it is."""
    waiting = Due.objects.filter(tenant_id=tenant_id, due_at__lt=Now() + _WAIT)
    if not Tenant.objects.filter(id=tenant_id, state=TenantState.SUSPENDED).exists():
        return False
    waiting.update(due_at=Now() + _WAIT)
    return True


def resume(tenant_id: UUID, *, using: str) -> None:
    """Make due now what waited for a suspended tenant: its own work, and what others had to bring to it.

    Whatever was not due yet is put back to its own time by whoever looks at it.
    """
    own = Q(tenant_id=tenant_id, due_at__lte=Now() + _WAIT)
    brought = Q(kind__in=[Due.Kind.DELIVER, Due.Kind.RECEIPT], attempts__gt=0, tenant_id__in=_peers(tenant_id, using))
    Due.objects.using(using).filter(own | brought).update(due_at=Now(), attempts=0)


def _peers(tenant_id: UUID, using: str) -> set[UUID]:
    ends = Connection.objects.using(using).filter(Q(provider_id=tenant_id) | Q(consumer_id=tenant_id))
    return {end for pair in ends.values_list("provider_id", "consumer_id") for end in pair}


def announce(hints: Iterable[tuple[UUID, Due.Kind, UUID, datetime]]) -> None:
    """Write hints (tenant, kind, message, when), once each. Commit them before the message they point to."""
    rows = [Due(tenant_id=tenant, kind=kind, message_id=message, due_at=at) for tenant, kind, message, at in hints]
    Due.objects.bulk_create(rows, ignore_conflicts=True)


# One row for all acts of five minutes. Whoever finds it there relies on it for a minute (tenants/registry/acts.py) and
# commits within another: then it is due. An act that came even later would be counted with the next ones. The five
# minutes begin at another second for each tenant: nobody's message waits behind everybody's counting.
_COUNT: Final = """
INSERT INTO due (tenant_id, kind, message_id, due_at, attempts)
SELECT %s, 'count', md5(%s || extract(epoch FROM began))::uuid, began + interval '7 min', 0
FROM date_bin('5 min', now(), timestamptz 'epoch' + %s * interval '1 s') AS began ON CONFLICT DO NOTHING"""


def announce_count(tenant_id: UUID) -> None:
    """Write that the tenant's log grows by acts that are to be counted, once for all acts of five minutes."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [tenant_id, str(tenant_id), tenant_id.int % 300])


def settle(due: Due, again: datetime | None) -> None:
    """Put a claimed hint off to when to look again, or forget it; also where an older one has that looked at by then.

    A hint that was changed since it was claimed stays as it is, and is looked at again: somebody else claimed it, or
    relies on it and knows what this look came too early for. Each step is a statement of its own, whose conditions
    PostgreSQL checks once more on a row that it had to wait for: so workers that look at hints about the same at the
    same moment wait for no two rows, and one hint is left.
    """
    claimed = Due.objects.filter(id=due.id, due_at=due.due_at, attempts=due.attempts)
    if again is None or _rely_on_older(due, again):
        claimed.delete()
    else:
        claimed.update(due_at=again, attempts=0)


def _rely_on_older(due: Due, again: datetime) -> bool:
    """Keep the oldest hint about the same from being settled by who claimed it before; say whether there is one."""
    same = Due.objects.filter(tenant_id=due.tenant_id, kind=due.kind, message_id=due.message_id)
    older = same.filter(id__lt=due.id, due_at__lte=again)
    return bool(older.filter(id__in=older.order_by("id").values("id")[:1]).update(attempts=0))


def done(tenant_id: UUID, message_id: UUID, *kinds: Due.Kind) -> None:
    Due.objects.filter(tenant_id=tenant_id, message_id=message_id, kind__in=kinds).delete()


def database_now() -> datetime:
    """Return the one clock that counts: no worker's own decides when something expires."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        (now,) = cursor.fetchone() or (None,)
    if not isinstance(now, datetime):
        raise TypeError("the database did not tell the time")
    return now
