"""Reminders: the log says that a parameter's date is near, 30, 7 and 1 days before, and once it has passed.

They are for people: an expired value is still given out, since only its issuer knows whether it is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from tenants.actions.audit import ids, record
from tenants.compartment import Compartment
from tenants.errors import Invalid, NotFound
from tenants.records.models import Parameter
from tenants.registry.due import Due, announce, database_now

DAYS_BEFORE: Final = (30, 7, 1, -1)  # -1: the day after, when it has expired
FIRST_DAY: Final = date(2000, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)


def checked_day(day: date) -> date:
    """Raises Invalid for a day that no clock of ours will ever show."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise Invalid({"expires_on": f"Enter a day from {FIRST_DAY} to {LAST_DAY}."})
    return day


def remind(compartment: Compartment, parameters: Iterable[Parameter], *, at_once: bool = False) -> None:
    """Have reminders written for the dates of parameters; in the transaction that has stored those, before its end.

    A hint may be due before that commits, around midnight: whoever looks waits for the lock of the parameter's row.
    What is past when a date is set, nobody has to be reminded of; `at_once` catches up with what was missed.
    """
    dated = [(parameter.id, parameter.expires_on) for parameter in parameters if parameter.expires_on]
    if dated:
        now = database_now()
        hints = sorted((item, at) for item, day in dated if (at := now if at_once else _next(day, now)))
        announce((compartment.identity.id, Due.Kind.REMIND, item, at) for item, at in hints)


def remind_now(compartment: Compartment, parameter_id: UUID) -> datetime | None:
    """Write the reminder whose time has come, once; within a transaction. For the worker.

    Returns when the next one is, if there is one. Raises NotFound without a live parameter that has a date.
    """
    rows = Parameter.objects.filter(id=parameter_id, deleted_at=None, set__deleted_at=None)
    parameter = rows.select_related("set").select_for_update(of=("self",)).first()
    if parameter is None or parameter.expires_on is None:
        raise NotFound
    now = database_now()
    latest = max((at for at in _times(parameter.expires_on) if at <= now), default=None)
    if latest is not None and (parameter.reminded_at is None or parameter.reminded_at < latest):
        left = (parameter.expires_on - now.astimezone(UTC).date()).days
        action = "parameter.expired" if left < 0 else "parameter.expiring"
        day = parameter.expires_on.isoformat()
        subject = f"{parameter.set.name}/{parameter.name}"
        record(compartment, action, subject, **ids(parameter), expires_on=day, days=left)
        Parameter.objects.filter(id=parameter_id).update(reminded_at=now)
    return _next(parameter.expires_on, now)


def _times(day: date) -> list[datetime]:
    midnight = datetime.combine(day, time(), UTC)
    return [midnight - timedelta(days=before) for before in DAYS_BEFORE]


def _next(day: date, now: datetime) -> datetime | None:
    return min((at for at in _times(day) if at > now), default=None)
