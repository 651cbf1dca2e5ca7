"""Django's Redis cache, for which an outage is an answer at once."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.redis import RedisCache


class Redis(RedisCache):
    """Gives up after 2 s, at the second attempt: what needs it then answers 503, not after the library's patience."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        # Here, not in the settings: whatever starts Django would pay for a client that it may never use.
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        patience = {"socket_connect_timeout": 2, "socket_timeout": 2, "retry": Retry(NoBackoff(), 1)}
        super().__init__(server, {**params, "OPTIONS": {**patience, **params.get("OPTIONS", {})}})
