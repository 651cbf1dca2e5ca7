"""What a tenant may have and use, as its operator allows: checked where an act is written into the log.

Whoever appends to a tenant's log waits for whoever did before to commit. So what is counted right after an entry, in
its transaction, holds every act before it and nothing can come between: of two at once the last one allowed goes to
one, exactly. A tenant without limits costs nothing; one with limits a day no further statement until it is near one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.db import connections

from tenants.compartment import Compartment
from tenants.errors import LimitReached
from tenants.records import audit
from tenants.records.counting import KINDS, Bound, Kind, Used, append_counted, roll_up, rolled_up
from tenants.validation import MAX_JSON_BYTES


class Thing(StrEnum):
    """What a tenant has until it is deleted; named like the limit (tenants.registry TenantLimits)."""

    MEMBERS = "members"
    PARAMETERS = "parameters"
    REPOSITORIES = "repositories"
    SSH_KEYS = "ssh_keys"


@dataclass(frozen=True, slots=True)
class Daily:
    """What a tenant uses up and has again the next day (UTC); `in_bytes`, not in entries of the log."""

    name: str
    noun: str
    kind: Kind
    in_bytes: bool = False

    def of(self, used: Used) -> int:
        return used.bytes if self.in_bytes else used.count

    def at_most(self, bound: Bound) -> int:
        """Return what can't be less than today's use."""
        return bound.bytes + bound.uncounted * MAX_JSON_BYTES if self.in_bytes else bound.count + bound.uncounted


FEW: Final = 1_000  # requests of one tenant, more than are ever at work at once

NOUNS: Final = {
    Thing.MEMBERS: "members",
    Thing.PARAMETERS: "parameters",
    Thing.REPOSITORIES: "repositories",
    Thing.SSH_KEYS: "SSH keys",
}

DAILY: Final = (
    Daily("builds_a_day", "builds", Kind.BUILDS),
    Daily("reads_a_day", "secret reads", Kind.READS),
    Daily("messages_a_day", "messages", Kind.SENT),
    Daily("message_bytes_a_day", "bytes of messages", Kind.SENT, in_bytes=True),
)

# What the tenant has of each thing; deleted is deleted, also where it can still be restored.
COUNTS: Final = {
    Thing.PARAMETERS: """SELECT count(*) FROM parameters p JOIN parameter_sets s ON s.id = p.set_id
        WHERE p.deleted_at IS NULL AND s.deleted_at IS NULL""",
    Thing.REPOSITORIES: "SELECT count(*) FROM repositories",
    Thing.SSH_KEYS: "SELECT count(DISTINCT name) FROM ssh_keys",
}


def append(compartment: Compartment, action: str, text: str) -> None:
    """Add an entry to the log. Raises LimitReached when it would be more than the tenant may use a day.

    The caller's transaction is then rolled back, the entry with it: what is refused is neither done nor counted.
    """
    kind = KINDS.get(action)
    held = _held(compartment, kind)
    if kind is None or not held:
        audit.append(compartment.alias, text)
        return
    bound = append_counted(compartment.alias, text, kind)
    if any(limit.at_most(bound) > most for limit, most in held):
        # Near the limit entries are counted as they are written, so that each is counted once and not at each act.
        roll_up(compartment.alias)
        _refuse(held, rolled_up(compartment.alias, kind))


def room(compartment: Compartment, action: str) -> dict[str, str | int]:
    """Return what ROOM asks for, for an act of which the tenant may do so many a day; nothing where it may do any.

    Where there is room the entry may be written by any statement: no more than FEW requests of one tenant are ever
    between such a statement's view and its commit. Where there is none `append` decides.
    """
    kind = KINDS[action]
    return {"kind": kind, "few": FEW, "allowed": most} if (most := _fewest(compartment, kind)) is not None else {}


def ask(compartment: Compartment, action: str, size: int = 0) -> None:
    """Refuse what is to be refused before anything is written elsewhere; `append` has the last word."""
    kind = KINDS[action]
    if held := _held(compartment, kind):
        used = rolled_up(compartment.alias, kind)
        _refuse(held, Used(used.count + 1, used.bytes + size, used.left))


def ask_for(compartment: Compartment, thing: Thing) -> None:
    """Refuse one more thing before it costs anything; `hold` has the last word. Raises LimitReached."""
    most = compartment.limits.get(thing)
    if most is not None and count_things(compartment, [thing])[thing] >= most:
        raise LimitReached(NOUNS[thing], most)


def hold(compartment: Compartment, thing: Thing) -> None:
    """Call after the act that adds a thing is in the log, in its transaction. Raises LimitReached."""
    most = compartment.limits.get(thing)
    if most is None:
        return
    if count_things(compartment, [thing])[thing] > most:
        raise LimitReached(NOUNS[thing], most)


def count_things(compartment: Compartment, things: Sequence[Thing]) -> dict[Thing, int]:
    """Return how many of each the tenant has, of those that are in COUNTS; in one statement."""
    if not things:
        return {}
    with connections[compartment.alias].cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"({COUNTS[thing]})" for thing in things))
        return dict(zip(things, cursor.fetchone() or (), strict=True))


def _held(compartment: Compartment, kind: Kind | None) -> list[tuple[Daily, int]]:
    limits = compartment.limits
    return [(limit, limits[limit.name]) for limit in DAILY if limit.kind is kind and limit.name in limits]


def _fewest(compartment: Compartment, kind: Kind) -> int | None:
    return min((most for limit, most in _held(compartment, kind) if not limit.in_bytes), default=None)


def _refuse(held: list[tuple[Daily, int]], used: Used) -> None:
    for limit, most in held:
        if limit.of(used) > most:
            raise LimitReached(limit.noun, most, seconds=used.left)
