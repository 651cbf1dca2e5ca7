"""How the API refuses: `{"error": {"code", "message", "fields", "incident"}}`, as portal.errors has it for all doors.

Here are only the verdicts that the API alone gives, and the wiring of django-ninja to them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from portal import errors
from tenants.errors import Invalid

log = logging.getLogger(__name__)


class Refusal(Exception):  # noqa: N818 - an answer, thrown from wherever it is decided
    """An answer other than success; without a `message`, what portal.errors says of the status.

    `fields` maps each field of the request to what would be right.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})

    def response(self) -> HttpResponse:
        return errors.json_answer(self.status, message=self.message, fields=self.fields, headers=self.headers)


def unauthenticated() -> Refusal:
    """Say nothing of which check failed (RFC 6750)."""
    challenge = 'Bearer realm="bulkhead", error="invalid_token"'
    message = "Sign in with `bulkhead login`: there is no valid access token in this request."
    return Refusal(401, message, headers={"WWW-Authenticate": challenge})


def invalid(error: ValidationError) -> Refusal:
    """Name each field by its place in the body, the query or the path, without repeating what was sent."""
    return Refusal(422, fields={_place(entry["loc"]): _reason(entry) for entry in error.errors})


def _place(location: tuple[Any, ...]) -> str:
    """Drop the source and the name of the parameter that took the body: ("body", "body", "labels", 0) → labels.0."""
    parts = [str(part) for part in location[1:]]
    if location[0] == "body" and len(parts) > 1:
        parts = parts[1:]
    return ".".join(parts) or "body"


def _reason(entry: dict[str, Any]) -> str:
    return str(entry["msg"]).removeprefix("Value error, ")


def install(api: NinjaAPI) -> None:
    api.add_exception_handler(Exception, answer)
    api.add_exception_handler(HttpError, answer)
    api.add_exception_handler(ValidationError, answer)


def answer(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """Return the API's answer for whatever an operation raised."""
    assert isinstance(error, Exception)  # noqa: S101 - django-ninja's signature allows a class; it raises instances
    if refusal := _refusal(error):
        return refusal.response()
    return errors.answer(request, error) or _unexpected(request, error)


def _refusal(error: Exception) -> Refusal | None:
    match error:
        case Refusal():
            return error
        case ValidationError():
            return invalid(error)
        case Invalid(fields=fields):
            return Refusal(422, fields=fields)
        case HttpError():  # django-ninja wraps what a parser raises
            cause = error.__cause__
            return cause if isinstance(cause, Refusal) else Refusal(error.status_code, str(error))
        case RequestDataTooBig():
            return Refusal(413)
        case _:
            return None


def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("unexpected", exc_info=error)
    return errors.page(request, 500)
