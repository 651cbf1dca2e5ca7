"""What the API says when something fails that nobody foresaw."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from redis.exceptions import RedisError

from portal.api.root import api
from secrets_vault import BadCiphertext, KeyServiceUnavailable
from tests.portal.api.test_access import refused


def answer(error: Exception) -> Any:
    response: Any = api.on_exception(RequestFactory().get("/api/v1/me"), error)
    response["Cache-Control"] = "no-store"  # the door's doing
    response.json = lambda: json.loads(response.content)
    return response


@pytest.mark.parametrize("error", [ValueError("planted-3f"), BadCiphertext(), KeyError("planted-3f")])
def test_a_technical_error_is_an_incident(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        shown = answer(error)
    assert refused(shown, 500)["incident"]
    assert b"planted" not in shown.content
    assert any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize("error", [OperationalError("planted-3f"), RedisError(), KeyServiceUnavailable()])
def test_a_part_that_is_down_is_503(error: Exception) -> None:
    shown = answer(error)
    assert refused(shown, 503)["incident"]
    assert int(shown["Retry-After"]) > 0
    assert b"planted" not in shown.content
