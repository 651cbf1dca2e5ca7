"""Error pages: plain words for the customer, an incident id where it is our fault, and nothing technical.

`/api/` and `/oauth/` get the API's shape, `{"error": {"code", "message", "fields", "incident"}}`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.html import escape
from redis.exceptions import RedisError

from portal import incidents
from portal.limits import TooMany
from secrets_vault import KeyServiceDenied, KeyServiceUnavailable
from tenants.errors import Gone, Invalid, LimitReached, NotFound, Refused, Suspended

log = logging.getLogger(__name__)

# What is down or refuses us, whoever asks: it comes back without anybody's hands.
OUTSIDE: Final = (OperationalError, InterfaceError, RedisError, KeyServiceUnavailable, KeyServiceDenied)
JSON_PATHS: Final = ("/api/", "/oauth/")


@dataclass(frozen=True, slots=True)
class Said:
    """What a status means to people and to programs."""

    code: str  # for programs
    title: str
    icon: str
    words: str

    @property
    def message(self) -> str:
        return f"{self.title}. {self.words}"


SAYS: Final[Mapping[int, Said]] = {
    400: Said(
        "bad_request",
        "That request could not be understood",
        "file-x",
        "Check it and try again; a form that was open for long has to be loaded anew.",
    ),
    401: Said("unauthenticated", "You are not signed in", "log-in", "Sign in, then try again."),
    403: Said(
        "forbidden",
        "You may not do that",
        "ban",
        "Your role does not allow it. Ask an owner of the tenant; the role matrix says who may do what.",
    ),
    404: Said(
        "not_found",
        "There is nothing here",
        "search-x",
        "The address may be wrong, or what it names may not be yours to see.",
    ),
    405: Said("method_not_allowed", "This address works differently", "ban", "It does not take that method."),
    410: Said("gone", "This is gone", "timer-off", "It expired or was used up, and cannot be brought back."),
    413: Said(
        "too_large",
        "That is too large",
        "file-x",
        "What was sent is larger than this address takes. Nothing was changed.",
    ),
    415: Said("unsupported_media_type", "That type is not taken here", "file-x", "Send the type that is documented."),
    422: Said(
        "invalid",
        "That could not be accepted",
        "circle-alert",
        "Some fields are not as they should be; nothing was changed.",
    ),
    429: Said("too_many_requests", "Too many requests", "hourglass", "Wait a minute, then try again."),
    500: Said(
        "internal",
        "Something went wrong on our side",
        "octagon-alert",
        "Quote the incident when you ask about it: it finds the details in our log.",
    ),
    503: Said(
        "unavailable",
        "Not available right now",
        "unplug",
        "A part that this needs does not answer. What you had stays as it was; try again in a moment.",
    ),
}
_CSRF: Final = "The form was open for too long, or cookies are blocked. Load the page anew and send it again."
# For when templates can't be rendered either.
_BARE: Final = "<!doctype html><html lang=en><title>Bulkhead</title><h1>{}</h1><p>{}<p>{}"


def page(
    request: HttpRequest, status: int, reason: str = "", *, fields: Mapping[str, str] | None = None, **headers: str
) -> HttpResponse:
    """Return the page for a status. `headers` are named with underscores for hyphens."""
    incident = getattr(request, "incident", None) or incidents.new()
    shown = incident if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if request.path_info.startswith(JSON_PATHS):
        return json_answer(status, message=reason, fields=fields, incident=shown, headers=named)
    return HttpResponse(_html(request, status, reason, shown), status=status, headers=named)


def json_answer(
    status: int,
    *,
    message: str = "",
    fields: Mapping[str, str] | None = None,
    incident: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JsonResponse:
    """Return the API's answer for a status; `message` says it more exactly than the status alone."""
    said = SAYS[status]
    error = {
        "code": said.code,
        "message": message or said.message,
        "fields": dict(fields or {}),
        "incident": incident or None,
    }
    return JsonResponse({"error": error}, status=status, headers=dict(headers or {}))


def _html(request: HttpRequest, status: int, reason: str, incident: str) -> str:
    said = SAYS[status]
    words = reason or said.words
    context = {"title": said.title, "icon_name": said.icon, "words": words, "incident": incident}
    try:
        return render_to_string("errors/page.html", context, request=request)
    except Exception:  # whatever broke the page must not break the page that says so
        log.exception("the error page can't be rendered")
        return _BARE.format(said.title, escape(words), incident)


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
        case LimitReached(seconds=None, words=words):
            return page(request, 403, words)
        case LimitReached(seconds=seconds, words=words):
            return page(request, 429, words, Retry_After=str(seconds))
        case Gone():
            return page(request, 410)
        case TooMany(seconds=seconds):
            return page(request, 429, Retry_After=str(seconds))
        case _ if isinstance(exception, OUTSIDE):
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
