"""What a tenant used, by day and person, and how near it is to its limits."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from ninja import Query, Router
from pydantic import Field

from portal.api.access import ApiRequest, member
from portal.api.schemas import Strict, answers
from tenants.actions import usage
from tenants.actions.usage import MAX_DAYS, MAX_PEOPLE, Day, Share, Standing
from tenants.roles import Permission

router = Router(tags=["usage"])


class SumsOut(Strict):
    """Bytes are those of the messages' JSON."""

    builds: int
    reads: int  # readings of secrets, however many each gave out
    sent: int
    sent_bytes: int
    received: int
    received_bytes: int
    acts: int  # everything that people did


class DayOut(Strict):
    day: date  # UTC
    members: int  # who did anything
    sums: SumsOut


class PersonOut(Strict):
    person: UUID
    name: str | None  # null for whoever is no member any more
    sums: SumsOut


class LimitOut(Strict):
    name: str
    used: int  # today for what is counted by day
    most: int
    near: bool  # 80 % or more


class UsageOut(Strict):
    days: list[DayOut]  # each of them, oldest first; today's is the last
    people: Annotated[
        list[PersonOut] | None,
        Field(description=f"The {MAX_PEOPLE} most active; null for a role that may not read the audit log."),
    ]
    limits: list[LimitOut]  # those that the operator set


Days = Annotated[int, Query(ge=1, le=MAX_DAYS)]


@router.get("usage", auth=member(Permission.USAGE_LIST), response=answers(UsageOut))
def read(request: ApiRequest, days: Days = 30) -> UsageOut:
    """Return what was used in the last days, today's too, up to this moment."""
    inside = request.compartment
    people = usage.usage_by_person(inside, days) if inside.may(Permission.AUDIT_LIST) else None
    return UsageOut(
        days=[_day(day) for day in usage.usage_by_day(inside, days)],
        people=None if people is None else [_person(share) for share in people],
        limits=[_limit(standing) for standing in usage.standings(inside)],
    )


def _day(day: Day) -> DayOut:
    return DayOut(day=day.day, members=day.members, sums=SumsOut.model_validate(day.sums))


def _person(share: Share) -> PersonOut:
    return PersonOut.model_validate(
        {"person": share.person_id, "name": share.name, "sums": SumsOut.model_validate(share.sums)}
    )


def _limit(standing: Standing) -> LimitOut:
    return LimitOut(name=standing.name, used=standing.used, most=standing.most, near=standing.near)
