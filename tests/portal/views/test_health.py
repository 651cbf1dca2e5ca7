"""What supervisors and load balancers ask."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from portal.views import health
from tests.portal.views.conftest import NewVisitor


def test_a_process_lives(visit: NewVisitor) -> None:
    assert visit().get("/health/live").json() == {"status": "live"}


def test_a_process_is_ready(visit: NewVisitor) -> None:
    answer = visit().get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "parts": {"database": "ok", "redis": "ok", "key_service": "ok"}}


@pytest.mark.parametrize("error", [OperationalError("planted"), RedisConnectionError("planted"), OSError("planted")])
def test_a_part_that_is_away_is_named_and_nothing_else(
    error: Exception, visit: NewVisitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise error

    monkeypatch.setitem(health.PROBES, "redis", away)
    answer = visit().get("/health/ready")
    assert answer.status_code == 503
    parts = {"database": "ok", "redis": "unavailable", "key_service": "ok"}
    assert answer.json() == {"status": "unavailable", "parts": parts}
