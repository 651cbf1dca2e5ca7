"""Rotate whatever is due, a slice of time at once: first who needs a new version, then who has an old one left."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from secrets_vault import KeyServiceUnavailable
from tenants.actor import Actor
from tenants.databases.base import close_compartments
from tenants.rotation import due, schedule
from tenants.rotation.rewrapping import OutOfTimeError
from tenants.rotation.rotate import Outcome, rotate

logger: Final = logging.getLogger(__name__)

ACTOR: Final = Actor.system("rotation")
BY_USE: Final = "use"
BY_AGE: Final = "age"

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
    """Rotate for so long; return whether the time was over before the work, so that somebody should go on at once."""
    deadline = time.monotonic() + seconds
    try:
        for outcome in rotate_each(work(), ACTOR, deadline=deadline):
            if outcome.failure:
                logger.error("rotation of tenant %s: %s", outcome.tenant, outcome.failure)
    except OutOfTimeError:
        return True
    except KeyServiceUnavailable as error:
        logger.warning("rotation waits for the key service: %s", error)
    return False


def rotate_each(work: Iterator[Work], actor: Actor, *, deadline: float | None = None) -> Iterator[Outcome]:
    """Rotate one tenant after the other. Raises OutOfTimeError and KeyServiceUnavailable; what was done stays done."""
    try:
        for tenant, reason in work:
            yield rotate(tenant, actor, reason=reason, deadline=deadline)
            if deadline is not None and time.monotonic() > deadline:
                raise OutOfTimeError
    finally:
        close_compartments()
