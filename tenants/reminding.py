"""Reminds of parameters that expire: Celery's sweep calls it, once for each that is due."""

from __future__ import annotations

from typing import Final

from tenants.actions.parameter_reminders import remind_now
from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.registry.due import Due, settle

_REMINDER: Final = Actor.system("reminders")


def remind_due(due: Due) -> None:
    with enter_as_system(due.tenant_id, _REMINDER) as inside, inside.transaction():
        again = remind_now(inside, due.message_id)
    settle(due, again)
