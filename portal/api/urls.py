"""The API's addresses. Each is a door that states its level; what is no address answers in the API's own shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt

from portal.api.access import Bearer
from portal.api.root import api, operations, stated
from portal.errors import json_answer
from portal.guards import Level
from tenants.roles import Permission

app_name = "api"
View = Callable[..., HttpResponse]


def door(view: View, level: Level, permission: Permission | None = None) -> View:
    """Wrap a view: leaves what was entered, answers 405 in the API's shape, and lets nothing be stored."""

    @csrf_exempt  # no cookie means anything here, so no other site can ride on one
    @wraps(view, assigned=(), updated=())
    def entered(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        with ExitStack() as request.admission:
            response = view(request, *args, **kwargs)
        if response.status_code == 405:  # noqa: PLR2004
            response = json_answer(405, headers={"Allow": response["Allow"]})
        response["Cache-Control"] = "no-store"
        return response

    entered.level = level  # type: ignore[attr-defined]  # read by the test that walks the URLs
    entered.permission = permission  # type: ignore[attr-defined]
    return entered


def missing(_request: HttpRequest) -> HttpResponse:
    return json_answer(404)


def _patterns() -> Iterator[URLPattern]:
    """Yield django-ninja's patterns, in its order: the document, one for each operation, the root."""
    bearers: Iterator[Bearer] = map(stated, operations())
    for pattern in cast(list[URLPattern], api.urls[0]):
        if pattern.name == "openapi-json":
            pattern.callback = door(pattern.callback, Level.ANONYMOUS)
        elif pattern.name == "api-root":
            pattern.callback = door(missing, Level.ANONYMOUS)  # there to be reversed, not to be visited
        else:
            bearer = next(bearers)
            pattern.callback = door(pattern.callback, bearer.level, bearer.permission)
        yield pattern
    yield re_path(r"", door(missing, Level.ANONYMOUS))


urlpatterns = list(_patterns())
