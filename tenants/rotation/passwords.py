"""Give tenants' database roles new passwords when the present ones have come of age, a slice of time at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from django.db.models.functions import Now

from tenants.actor import Actor
from tenants.provisioning.passwords import campaign, rotate
from tenants.registry.models import Tenant
from tenants.rotation import schedule
from tenants.rotation.turns import Turns

logger: Final = logging.getLogger(__name__)

ACTOR: Final = Actor.system("rotation")

_turns: Final[Turns[UUID]] = Turns()


def aged() -> list[UUID]:
    """Return the tenants whose roles' passwords are older than they may get, the oldest first."""
    rows = Tenant.objects.filter(password_changed_at__lte=Now() - schedule.key_age())
    return list(rows.order_by("password_changed_at").values_list("id", flat=True))


def rotate_due(seconds: float = schedule.SLICE_SECONDS) -> bool:
    """Rotate for so long; return whether the time was over before the work, so that somebody should go on at once."""
    tenants = _turns.order(aged(), lambda tenant: tenant)
    if not tenants:
        return False
    slice_ = _Slice(tenants, time.monotonic() + seconds)
    for outcome in rotate(slice_, campaign().version, ACTOR):
        if outcome.failure:
            logger.error("password of tenant %s: %s", outcome.tenant, outcome.failure)
        else:
            _turns.succeed(outcome.tenant)
    return slice_.cut_off


class _Slice(Iterator[UUID]):
    """The tenants, as long as there is time."""

    def __init__(self, tenants: list[UUID], deadline: float) -> None:
        self._tenants, self._deadline, self.cut_off = iter(tenants), deadline, False

    def __next__(self) -> UUID:
        tenant = next(self._tenants)
        self.cut_off = time.monotonic() > self._deadline
        if self.cut_off:
            raise StopIteration
        _turns.begin(tenant)
        return tenant
