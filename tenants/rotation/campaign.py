"""Rotate whatever is due, a slice of time at once: first who needs a new version, then who has an old one left."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator
from operator import itemgetter
from typing import Final
from uuid import UUID

from secrets_vault import KeyServiceUnavailable
from tenants.actor import Actor
from tenants.databases.base import close_compartments
from tenants.rotation import due, schedule
from tenants.rotation.rotate import Outcome, rotate
from tenants.rotation.turns import Turns

logger: Final = logging.getLogger(__name__)

ACTOR: Final = Actor.system("rotation")
BY_USE: Final = "use"
BY_AGE: Final = "age"

_turns: Final[Turns[UUID]] = Turns()

Work = tuple[UUID, str]  # a tenant, and the reason for a new version; none to finish what was begun


def work() -> Iterator[Work]:
    """Return what is to be done now, each tenant once."""
    seen: set[UUID] = set()
    for reason, tenants in ((BY_USE, due.worn), (BY_AGE, due.aged), ("", due.unfinished)):
        for tenant in tenants():
            if tenant not in seen:
                seen.add(tenant)
                yield tenant, reason


def rotate_due(seconds: float = schedule.SLICE_SECONDS) -> bool:
    """Rotate for so long; return whether the time was over before the work, so that somebody should go on at once.

    Whoever got nowhere is put aside, so that going on at once is going on with something else.
    """
    end, left = time.monotonic() + seconds, deque(_turns.order(work(), itemgetter(0)))
    again = False
    try:
        for outcome in rotate_each(_begun(left), ACTOR, end=end):
            left.popleft()
            again |= _noted(outcome)
            if time.monotonic() > end:
                break
    except KeyServiceUnavailable as error:
        logger.warning("rotation waits for the key service: %s", error)
        _turns.succeed(left[0][0])  # it is not to blame
        return False
    return again or bool(left)


def rotate_each(work: Iterator[Work], actor: Actor, *, end: float | None = None) -> Iterator[Outcome]:
    """Rotate one tenant after the other. Raises KeyServiceUnavailable; what was done stays done.

    With an `end`, of `time.monotonic`, none gets more than its share of the time until then.
    """
    try:
        for tenant, reason in work:
            deadline = None if end is None else min(end, time.monotonic() + schedule.SHARE_SECONDS)
            yield rotate(tenant, actor, reason=reason, deadline=deadline)
    finally:
        close_compartments()


def _begun(left: deque[Work]) -> Iterator[Work]:
    while left:
        _turns.begin(left[0][0])
        yield left[0]


def _noted(outcome: Outcome) -> bool:
    """Return whether to go on with this tenant at once."""
    if outcome.failure:
        parts = {"event": "rotation.failed", "tenant": str(outcome.tenant)}
        logger.error("rotation of tenant %s: %s", outcome.tenant, outcome.failure, extra={"parts": parts})
    if outcome.changed:
        _turns.succeed(outcome.tenant)
    return outcome.cut_off and outcome.changed
