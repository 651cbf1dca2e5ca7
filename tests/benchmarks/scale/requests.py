"""Requests through Django's WSGI handler, without a server before it: nothing dilutes what routing costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from itertools import cycle, islice
from typing import Any, Final
from wsgiref.util import setup_testing_defaults

from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

ROWS: Final = 20


@cache
def _handler() -> WSGIHandler:
    return get_wsgi_application()


def served(count: int, places: list[list[str]]) -> float:
    """Ask for (host, path) in turn, `count` times in all; return the seconds. Raises RuntimeError on a wrong answer."""
    handler = _handler()
    for host, path in places[:1]:
        _request(handler, host, path)
    started = time.perf_counter()
    for host, path in islice(cycle(places), count):
        _request(handler, host, path)
    return time.perf_counter() - started


def _request(handler: WSGIHandler, host: str, path: str) -> None:
    environ: dict[str, Any] = {"HTTP_HOST": host, "PATH_INFO": path}
    setup_testing_defaults(environ)
    statuses: list[str] = []

    def start_response(status: str, *_: Any) -> Callable[[bytes], object]:
        statuses.append(status)
        return bytes

    response = handler(environ, start_response)
    body = b"".join(response)
    response.close()
    if statuses != ["200 OK"] or body.count(b"https://") != ROWS:
        raise RuntimeError(f"{host}{path}: {statuses} {body[:200]!r}")
