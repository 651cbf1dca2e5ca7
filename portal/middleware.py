"""The edge: who is calling, which incident this would be, and the headers that every response carries."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from csp.constants import HEADER as CSP
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from portal import addresses, errors, incidents
from portal.signin import sessions
from portal.signin.sessions import SessionStore

log = logging.getLogger("portal.requests")

Next = Callable[[HttpRequest], HttpResponseBase]

HEADERS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not `no-referrer`: browsers would send `Origin: null` with our own forms, which the CSRF check then refuses.
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def headers() -> dict[str, str]:
    """Return what every response carries.

    django-csp writes the policy; its middleware would do so anew for each response, for nonces that nothing here needs.
    """
    return {**HEADERS, CSP: build_policy()}


FORWARDED: Final = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO")


class HeadersMiddleware:
    """Outermost, so that a redirect, a static file and an error page carry the headers as well.

    Strict-Transport-Security is sent over plain HTTP too: browsers ignore it there (RFC 6797, 8.1), and a proxy that
    ends TLS passes it on.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        self.headers = headers()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in self.headers.items():
            response.headers.setdefault(name, value)
        if not self._is_static(request, response):
            response.headers["Cache-Control"] = "no-store"
        return response

    def _is_static(self, request: HttpRequest, response: HttpResponseBase) -> bool:
        served = response.status_code in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED}
        return served and request.path_info.startswith(settings.STATIC_URL)


class ClientMiddleware:
    """Sets `request.address` (the true client), `request.incident`, and the scheme that the client used.

    Forwarded headers count only from a peer in BULKHEAD_TRUSTED_PROXIES, and only the one that is set up. WSGI can't
    tell `X_Forwarded_For` from `X-Forwarded-For`; the name of `Forwarded` has no such twin.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        self._place(request)
        request.incident = incidents.new()  # type: ignore[attr-defined]  # an attribute of ours, read by portal.errors
        token, began = incidents.current.set(request.incident), time.monotonic()  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
            _log(request, response, began)
        finally:
            incidents.current.reset(token)
        return response

    def _place(self, request: HttpRequest) -> None:
        client = caller(request.META)
        for name in FORWARDED:  # what may say who calls, whoever sent it
            request.META.pop(name, None)
        request.address = str(client.address)  # type: ignore[attr-defined]
        request.META["REMOTE_ADDR"] = request.address  # type: ignore[attr-defined]  # what django-ratelimit counts by
        if client.proto:
            request.META["wsgi.url_scheme"] = "https" if client.proto == "https" else "http"


def caller(meta: Mapping[str, Any]) -> addresses.Hop:
    """Return the true client by the peer and the one header that counts; with it, the scheme that the client used."""
    said, said_for, said_proto = (meta.get(name, "") for name in FORWARDED)
    if settings.FORWARDED_HEADER == "Forwarded":
        hops = addresses.forwarded(said)
    else:
        hops = addresses.x_forwarded(said_for, said_proto)
    return addresses.client(meta.get("REMOTE_ADDR", ""), hops, _trusted(tuple(settings.TRUSTED_PROXIES)))


@lru_cache(maxsize=1)
def _trusted(listed: tuple[str, ...]) -> tuple[addresses.Network, ...]:
    return addresses.networks(listed)


def _log(request: HttpRequest, response: HttpResponseBase, began: float) -> None:
    # An address that is none of ours may be anything, also a secret pasted into the wrong field.
    path = request.path if request.resolver_match else "(no such address)"
    log_request(request.method, path, response.status_code, request.META["REMOTE_ADDR"], began)


def log_request(method: str | None, path: str, status: int, address: str, began: float) -> None:
    """Write a request's line; `began` is by the monotonic clock."""
    parts = {
        "method": method,
        "path": path,
        "status": status,
        "address": address,
        "milliseconds": round((time.monotonic() - began) * 1000, 1),
    }
    log.info("request", extra={"parts": parts})


class SessionMiddleware:
    """Sets `request.session` and `request.person` (a Person or None) in one query, and in none without a cookie."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        came_with = request.COOKIES.get(sessions.COOKIE)
        store = SessionStore(came_with)
        request.session = store
        request.person = store.open()  # type: ignore[attr-defined]  # an attribute of ours, typed in portal.guards
        response = self.get_response(request)
        if store.modified:
            store.save()
        self._hand_over(response, store, came_with)
        return response

    def _hand_over(self, response: HttpResponseBase, store: SessionStore, came_with: str | None) -> None:
        """Send a new handle, or take back one that was signed out. One that was displaced stays, to be told so."""
        if store.person is not None and store.session_key and store.session_key != came_with:
            response.set_cookie(
                sessions.COOKIE,
                store.session_key,
                max_age=int(sessions.ABSOLUTE.total_seconds()),
                secure=True,
                httponly=True,
                samesite="Lax",
            )
        elif came_with is not None and store.session_key is None:
            forget(response, sessions.COOKIE)


def forget(response: HttpResponseBase, cookie: str) -> None:
    """Delete a `__Host-` cookie; browsers take that only with the attributes it was set with."""
    response.set_cookie(cookie, "", max_age=0, secure=True, httponly=True, samesite="Lax")


class FailureMiddleware:
    """Turns what views raise into the pages of portal.errors, and gives empty refusals a page."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not getattr(response, "content", b"filled"):
            page = errors.page(request, HTTPStatus.METHOD_NOT_ALLOWED)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return errors.answer(request, exception)
