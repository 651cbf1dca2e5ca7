"""What the tenant used, by day and by person, and how near it is to what its operator allows; always up to date.

Who used it is shown to those alone who may read the log, which says the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from tenants.compartment import Compartment, requires
from tenants.errors import Invalid
from tenants.limits import COUNTS, DAILY, NOUNS, Thing, count_things
from tenants.records import used
from tenants.records.counting import Kind, Used
from tenants.registry.models import Membership
from tenants.roles import Permission

MAX_DAYS: Final = 366
MAX_PEOPLE: Final = 200
MAX_ROWS: Final = 50_000
NEAR: Final = 80  # percent of a limit, from which on a tenant is warned


@dataclass(slots=True)
class Sums:
    """How much of each kind; bytes are those of messages."""

    builds: int = 0
    reads: int = 0
    sent: int = 0
    sent_bytes: int = 0
    received: int = 0
    received_bytes: int = 0
    acts: int = 0

    def add(self, kind: str, count: int, size: int) -> None:
        match kind:
            case Kind.BUILDS:
                self.builds += count
            case Kind.READS:
                self.reads += count
            case Kind.SENT:
                self.sent, self.sent_bytes = self.sent + count, self.sent_bytes + size
            case Kind.RECEIVED:
                self.received, self.received_bytes = self.received + count, self.received_bytes + size
            case Kind.ACTS:
                self.acts += count


@dataclass(frozen=True, slots=True)
class Day:
    """What was used in one day (UTC), and how many people did anything."""

    day: date
    sums: Sums
    members: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one person used. `name` is None for whoever is no member any more, and for workers (no `person_id`)."""

    person_id: UUID | None
    name: str | None
    sums: Sums
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How near the tenant is to one of its limits."""

    name: str
    noun: str
    used: int
    most: int
    daily: bool
    in_bytes: bool = False

    @property
    def percent(self) -> int:
        return self.used * 100 // self.most if self.most else 100

    @property
    def near(self) -> bool:
        """Nobody is warned of what was never allowed."""
        return self.most > 0 and self.percent >= NEAR


@requires(Permission.USAGE_LIST)
def usage_by_day(compartment: Compartment, days: int) -> list[Day]:
    """Return each of the last `days` days, today's too, oldest first."""
    found: dict[date, Sums] = defaultdict(Sums)
    members: dict[date, int] = defaultdict(int)
    for day, kind, count, size, people in used.by_day(compartment.alias, _few(days)):
        found[day].add(kind or "", count, size)
        if kind == Kind.ACTS:
            members[day] = people
    return [Day(day, sums, members[day]) for day, sums in found.items()]


@requires(Permission.AUDIT_LIST)
def usage_by_person(compartment: Compartment, days: int) -> list[Share]:
    """Return what each person used in the last `days` days, the most active first; at most MAX_PEOPLE."""
    found: dict[UUID, Sums] = defaultdict(Sums)
    for person_id, kind, count, size in used.by_person(compartment.alias, _few(days), MAX_PEOPLE):
        found[person_id].add(kind, count, size)
    names = _names(compartment, found)
    shares = [Share(person_id, names.get(person_id), sums) for person_id, sums in found.items()]
    return sorted(shares, key=lambda share: (-share.sums.acts, str(share.person_id)))


@requires(Permission.AUDIT_LIST)
def usage_by_day_and_person(compartment: Compartment, days: int) -> list[Share]:
    """Return what each person used each day, oldest first. Raises Invalid when that is more than MAX_ROWS."""
    rows = used.by_day_and_person(compartment.alias, _few(days), MAX_ROWS + 1)
    if len(rows) > MAX_ROWS:
        raise Invalid({"days": "This is more than a file should hold: ask for fewer days."})
    found: dict[tuple[date, UUID | None], Sums] = defaultdict(Sums)
    for day, person_id, kind, count, size in rows:
        found[day, person_id].add(kind, count, size)
    names = _names(compartment, {person_id for _, person_id in found if person_id})
    return [
        Share(person_id, names.get(person_id) if person_id else None, sums, day)
        for (day, person_id), sums in found.items()
    ]


@requires(Permission.USAGE_LIST)
def standings(compartment: Compartment) -> list[Standing]:
    """Return each limit that the operator set, with what of it is used: today, or now. None costs nothing."""
    if not compartment.limits:
        return []
    return [*_things(compartment), *_daily(compartment)]


@requires(Permission.USAGE_LIST)
def near_limits(compartment: Compartment) -> list[Standing]:
    """Return the limits that the tenant is to be warned of."""
    return [standing for standing in standings(compartment) if standing.near]


def _things(compartment: Compartment) -> list[Standing]:
    held = [thing for thing in Thing if thing in compartment.limits]
    numbers = count_things(compartment, [thing for thing in held if thing in COUNTS])
    if Thing.MEMBERS in held:
        numbers[Thing.MEMBERS] = Membership.objects.filter(tenant_id=compartment.identity.id).count()
    return [Standing(thing, NOUNS[thing], numbers[thing], compartment.limits[thing], daily=False) for thing in held]


def _daily(compartment: Compartment) -> list[Standing]:
    held = [limit for limit in DAILY if limit.name in compartment.limits]
    if not held:
        return []
    today, nothing = used.today(compartment.alias), Used(0, 0, 0)
    return [
        Standing(
            limit.name,
            limit.noun,
            limit.of(today.get(limit.kind, nothing)),
            compartment.limits[limit.name],
            daily=True,
            in_bytes=limit.in_bytes,
        )
        for limit in held
    ]


def _few(days: int) -> int:
    if not 1 <= days <= MAX_DAYS:
        raise Invalid({"days": f"Ask for 1 to {MAX_DAYS} days."})
    return days


def _names(compartment: Compartment, people: Iterable[UUID]) -> dict[UUID, str]:
    """Return what members are known by. Whose id merely stands in a tenant's own tables is nobody it may know."""
    rows = Membership.objects.filter(tenant_id=compartment.identity.id, person_id__in=people).select_related("person")
    return {row.person_id: row.person.label for row in rows}
