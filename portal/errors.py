"""Error pages: plain words for the customer, an incident id where it is our fault, and nothing technical.

`/api/` and `/oauth/` get the API's shape, `{"error": {"code", "message", "fields", "incident"}}`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from redis.exceptions import RedisError

from portal import incidents
from portal.limits import TooMany
from secrets_vault import KeyServiceDenied, KeyServiceUnavailable
from tenants.errors import Gone, Invalid, NotFound, Refused, Suspended

log = logging.getLogger(__name__)

JSON_PATHS: Final = ("/api/", "/oauth/")

_SAYS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad_request", "That request could not be understood."),
    403: ("forbidden", "You may not do that."),
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This address does not take that method."),
    410: ("gone", "It has expired or has been read as often as it may be."),
    413: ("too_large", "What was sent is too large."),
    422: ("invalid", "Some fields can't be taken as they are."),
    429: ("too_many_requests", "Too many requests. Wait a moment, then try again."),
    500: ("internal", "Something went wrong on our side. Quote the incident when you ask about it."),
    503: ("unavailable", "A part that this needs does not answer. Try again in a moment."),
}
_CSRF: Final = "The form was open for too long, or cookies are blocked. Load the page anew and send it again."
# For when templates can't be rendered either.
_BARE: Final = "<!doctype html><html lang=en><title>Bulkhead</title><h1>Not available</h1><p>{} <p>{}"


def page(
    request: HttpRequest, status: int, reason: str = "", *, fields: Mapping[str, str] | None = None, **headers: str
) -> HttpResponse:
    """Return the page for a status. `headers` are named with underscores for hyphens."""
    incident = getattr(request, "incident", None) or incidents.new()
    shown = incident if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if request.path_info.startswith(JSON_PATHS):
        code, message = _SAYS[status]
        error = {"code": code, "message": reason or message, "fields": dict(fields or {}), "incident": shown or None}
        return JsonResponse({"error": error}, status=status, headers=named)
    context = {"incident": shown, "reason": reason, "fields": fields or {}}
    return HttpResponse(_html(request, status, context), status=status, headers=named)


def _html(request: HttpRequest, status: int, context: dict[str, Any]) -> str:
    try:
        return render_to_string(f"errors/{status}.html", context, request=request)
    except Exception:  # whatever broke the page must not break the page that says so
        log.exception("the error page can't be rendered")
        return _BARE.format(_SAYS[status][1], context["incident"])


def answer(request: HttpRequest, exception: BaseException | None) -> HttpResponse | None:  # noqa: PLR0911 - one line a case
    """Return the page for an exception that means something to a customer; None for any other."""
    match exception:
        case Invalid(fields=fields):
            return page(request, 422, "; ".join(f"{name}: {what}" for name, what in fields.items()), fields=fields)
        case NotFound():
            return page(request, 404)
        case Refused(permission=permission):
            return page(request, 403, f"Your role in this tenant does not carry the permission {permission}.")
        case Suspended(reason=reason):
            return page(request, 403, f"This tenant is suspended: {reason}")
        case Gone():
            return page(request, 410)
        case TooMany(seconds=seconds):
            return page(request, 429, Retry_After=str(seconds))
        case OperationalError() | InterfaceError() | RedisError() | KeyServiceUnavailable() | KeyServiceDenied():
            log.error("unavailable", exc_info=exception)
            return page(request, 503, Retry_After="5")
        case _:
            return None


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


def forbidden(request: HttpRequest, exception: PermissionDenied | None = None) -> HttpResponse:  # noqa: ARG001 - Django's signature
    return page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django's signature
    return page(request, 404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - the reason is technical
    return page(request, 403, _CSRF)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for what nobody expected, and for outages met by middleware, which `process_exception` does not see."""
    return answer(request, sys.exc_info()[1]) or page(request, 500)
