"""The device authorization grant (RFC 8628) and token revocation (RFC 7009), for one public client: the command line.

Bodies are forms, answers are JSON, as the RFCs have it. Nothing here reads a cookie, so no other site can ride on one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from portal import limits
from portal.api.access import tokens
from portal.api.reading import announced_size
from portal.guards import anonymous
from portal.limits import TooMany
from portal.tokens import BadToken, Claims
from tenants.actions import tokens as rows
from tenants.actions.tokens import Redemption
from tenants.actor import Actor
from tenants.errors import Invalid, NotFound, Suspended

CLIENT: Final = "bulkhead-cli"
DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
MAX_BODY: Final = 8 * 1024
MAX_NAME: Final = 100

View = Callable[[HttpRequest], HttpResponse]
Door = Callable[..., HttpResponseBase]


class OAuthError(Exception):
    """An error of RFC 6749, section 5.2, or of RFC 8628, section 3.5."""

    def __init__(
        self, error: str, status: int = 400, *, because: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(error)
        self.error = error
        self.because = because
        self.status = status
        self.retry_after = retry_after

    def response(self) -> HttpResponse:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        described = {} if self.because is None else {"error_description": self.because}
        return JsonResponse({"error": self.error, **described}, status=self.status, headers=headers)


def endpoint(group: str) -> Callable[[View], Door]:
    """State the level (anonymous), bound rate and size, and answer errors in OAuth's shape, never to be stored."""

    def decorate(view: View) -> Door:
        @csrf_exempt
        @wraps(view)
        def entered(request: HttpRequest) -> HttpResponse:
            try:
                limits.spend(request, group)
                _check(request)
                response = view(request)
            except OAuthError as error:
                response = error.response()
            except TooMany as error:
                response = OAuthError("slow_down", 429, retry_after=error.seconds).response()
            response["Cache-Control"] = "no-store"
            return response

        return anonymous(entered)

    return decorate


def _check(request: HttpRequest) -> None:
    if request.method != "POST" or request.content_type != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request")
    if announced_size(request) > MAX_BODY:
        raise OAuthError("invalid_request", 413)
    if any(len(values) != 1 for _, values in request.POST.lists()):  # a parameter comes once (RFC 6749, 3.2)
        raise OAuthError("invalid_request")
    if request.POST.get("client_id") != CLIENT:
        raise OAuthError("invalid_client", 401)


@endpoint("device")
def device_code(request: HttpRequest) -> HttpResponse:
    """Start a grant. The command line says what its host is called; the tenant is chosen by whoever approves."""
    try:
        name = request.POST.get("device_name", "")[:MAX_NAME]
        device = rows.start_device(name=name, address=request.META["REMOTE_ADDR"])
    except Invalid:
        raise OAuthError("invalid_request") from None
    half = len(device.user_code) // 2
    return JsonResponse(
        {
            "device_code": device.device_code,
            "user_code": f"{device.user_code[:half]}-{device.user_code[half:]}",
            "verification_uri": f"{settings.BASE_URL}/device/",
            "expires_in": device.expires_in,
            "interval": device.interval,
        }
    )


@endpoint("api")
def token(request: HttpRequest) -> HttpResponse:
    """Trade a device code for an access token, once; until then, say what the grant waits for."""
    if request.POST.get("grant_type") != DEVICE_GRANT:
        raise OAuthError("unsupported_grant_type")
    code = request.POST.get("device_code")
    if not code:
        raise OAuthError("invalid_request")
    try:
        row = rows.redeem_device(code, address=request.META["REMOTE_ADDR"])
    except Suspended as error:
        raise OAuthError("access_denied", 403, because=f"This tenant is suspended: {error.reason}") from None
    if isinstance(row, Redemption):
        raise OAuthError(row.value)
    issued, expires = int(time.time()), int(row.expires_at.timestamp())
    text = tokens().issue(Claims(row.person_id, row.tenant_id, row.id, issued, expires))
    return JsonResponse(
        {
            "access_token": text,
            "token_type": "Bearer",
            "expires_in": expires - issued,
            "scope": f"tenant:{row.tenant.slug}",
        }
    )


@endpoint("api")
def revoke(request: HttpRequest) -> HttpResponse:
    """End a token at once. One that is none, or has ended, is answered alike (RFC 7009, section 2.2)."""
    try:
        claims = tokens().verify(request.POST.get("token", ""), time.time())
        owner = Actor.person(claims.person_id, "", address=request.META["REMOTE_ADDR"], token_id=claims.token_id)
        rows.revoke_token(owner, claims.token_id)
    except (BadToken, NotFound):
        pass
    return HttpResponse(status=200)
