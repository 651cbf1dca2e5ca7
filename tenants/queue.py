"""Wake a worker. A hint and no more: what is to be done stands in a table, and beat sweeps it if nobody wakes."""

from __future__ import annotations

import logging
from typing import Final

from django.conf import settings
from django.utils.module_loading import import_string

logger: Final = logging.getLogger(__name__)


def wake(task: str, *, queue: str = "default") -> None:
    """Ask for `tenants.tasks.<task>` to run soon; a broker that is down delays it to the next sweep."""
    # Now, not above: most that starts Django wakes nobody.
    from kombu.exceptions import OperationalError  # noqa: PLC0415

    try:
        import_string(settings.TASK_QUEUE).send_task(
            f"tenants.tasks.{task}", queue=queue, retry=False, ignore_result=True
        )
    except OperationalError:
        logger.warning("broker unreachable; %s waits for its sweep", task)
