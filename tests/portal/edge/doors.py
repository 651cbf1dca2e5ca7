"""A URLconf for the edge's tests: the portal's own addresses, and doors that fail in every way there is."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST
from redis.exceptions import RedisError

from portal.guards import View, anonymous
from portal.limits import TooMany
from portal.urls import handler400, handler403, handler404, handler500
from portal.urls import urlpatterns as portals
from secrets_vault import KeyServiceUnavailable
from tenants.errors import Gone, Invalid, NotFound, Refused, Suspended

__all__ = ["FAILURES", "handler400", "handler403", "handler404", "handler500", "urlpatterns"]

SECRET = "kittiwake-in-the-message"

FAILURES: dict[str, tuple[Exception, int]] = {
    "bug": (RuntimeError(SECRET), 500),
    "database": (OperationalError(SECRET), 503),
    "denied": (PermissionDenied(SECRET), 403),
    "gone": (Gone(), 410),
    "invalid": (Invalid({"name": "Give it a name of 1 to 100 characters."}), 422),
    "keys": (KeyServiceUnavailable(SECRET), 503),
    "missing": (NotFound(SECRET), 404),
    "nowhere": (Http404(SECRET), 404),
    "redis": (RedisError(SECRET), 503),
    "refused": (Refused("parameters:write"), 403),
    "suspended": (Suspended("The invoice is unpaid."), 403),
    "suspicious": (SuspiciousOperation(SECRET), 400),
    "toomany": (TooMany(17), 429),
}


def fails(error: Exception) -> View:
    @anonymous
    def view(_request: HttpRequest) -> HttpResponse:
        raise error

    return view


@anonymous
@require_POST
def takes_forms(request: HttpRequest) -> HttpResponse:
    return HttpResponse(len(request.POST))


urlpatterns = [
    *(path(f"{prefix}fails/{name}", fails(error)) for name, (error, _) in FAILURES.items() for prefix in ("", "api/")),
    path("takes-forms", takes_forms),
    *portals,
]
