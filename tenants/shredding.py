"""Shreds what was deleted 30 days ago: Celery's sweep calls it, once for each item that is due."""

from __future__ import annotations

from typing import Final

from tenants.actions.parameter_deletion import shred
from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.registry.due import Due

_SHREDDER: Final = Actor.system("shredding")


def shred_due(due: Due) -> None:
    with enter_as_system(due.tenant_id, _SHREDDER) as inside, inside.transaction():
        again = shred(inside, due.message_id)
    if again is not None:
        Due.objects.filter(id=due.id).update(due_at=again, attempts=0)
