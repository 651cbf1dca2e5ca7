"""Whether this process lives, and whether it can serve: for supervisors and load balancers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.core.cache import cache
from django.db import Error, connection
from django.http import JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from portal.guards import AnonymousRequest, anonymous
from tenants import keyrings

log = logging.getLogger(__name__)


@require_safe
@anonymous
def live(request: AnonymousRequest) -> JsonResponse:  # noqa: ARG001 - a view's signature
    """Answer without asking anything else: a process whose database is away must not be killed for it."""
    return JsonResponse({"status": "live"})


@require_safe
@anonymous
def ready(request: AnonymousRequest) -> JsonResponse:  # noqa: ARG001 - a view's signature
    """Answer 200 when all that a page needs answers, else 503 naming the part that does not.

    A key service that is away takes nothing out of service: `sealed` says that secrets answer 503 meanwhile, and all
    other pages work. It is what this process was told last, at most half a minute ago; the answer doesn't wait for it.
    """
    parts = {name: _answers(name, probe) for name, probe in PROBES.items()}
    good = all(parts.values())
    said = {name: "ok" if answers else "unavailable" for name, answers in parts.items()}
    said["key_service"] = "sealed" if keyrings.is_sealed() else "ok"
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return JsonResponse({"status": "ready" if good else "unavailable", "parts": said}, status=status)


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    cache.get("health")


PROBES: Final[dict[str, Callable[[], None]]] = {"database": _database, "redis": _redis}


def _answers(name: str, probe: Callable[[], None]) -> bool:
    try:
        probe()
    except (Error, RedisError, OSError):
        log.warning("%s does not answer", name, exc_info=True)
        return False
    return True
