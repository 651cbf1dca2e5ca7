"""Counts what tenants used: Celery's sweep calls it for each tenant whose log has grown, and for no other."""

from __future__ import annotations

from typing import Final

from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.records.counting import roll_up
from tenants.registry.due import Due, done

_COUNTER: Final = Actor.system("counting")


def count_due(due: Due) -> None:
    with enter_as_system(due.tenant_id, _COUNTER) as inside:
        roll_up(inside.alias)
    done(due.tenant_id, due.message_id, Due.Kind.COUNT)
