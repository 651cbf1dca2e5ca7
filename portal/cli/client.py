"""Calls of the API: https with verified certificates, bounded in time, retried only where nothing can happen twice."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx

from portal.cli import credentials
from portal.cli.credentials import Credential
from portal.cli.failures import Code, Failure

TIMEOUT: Final = httpx.Timeout(15, connect=5)
RETRIES: Final = 2
UNAVAILABLE: Final = frozenset({502, 503, 504})
LOST: Final = frozenset({502, 504})  # what a proxy says that had no answer either
MAX_WAIT: Final = 5.0  # seconds to heed a Retry-After for
CODES: Final[Mapping[int, Code]] = {
    401: Code.NOT_SIGNED_IN,
    403: Code.DENIED,
    404: Code.DENIED,
    410: Code.GONE,
    429: Code.UNAVAILABLE,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.UNAVAILABLE,
}


class Unanswered(Failure):
    """No answer of the portal's came to what was sent: it may have happened all the same."""


def http(portal: str) -> httpx.Client:
    """Return a client of `portal` alone: no redirect is followed, so a token goes nowhere else.

    A proxy from the environment gets a tunnel (https); plain http, which is for this machine, passes none.
    """
    agent = {"User-Agent": "bulkhead"}
    return httpx.Client(base_url=portal, timeout=TIMEOUT, headers=agent, trust_env=portal.startswith("https://"))


class Api:
    """One tenant's API, as the person who signed in."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self._http = http(credential.portal)

    def get(self, path: str, **query: str | int | list[str]) -> Any:
        return self._call("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._call("POST", path, json=body)

    def every(self, path: str, **query: str | list[str]) -> Iterator[dict[str, Any]]:
        """Yield a list's items, page after page."""
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, size=100, **query, **cursor)
            yield from page["items"]
            if not page["next"]:
                return
            cursor = {"after": page["next"]}

    def _call(self, method: str, path: str, **content: Any) -> Any:
        try:
            return self._answer(method, path, **content)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise unreachable(self.credential.portal, error) from None
        except httpx.TransportError as error:
            message = f"{self.credential.portal} did not answer ({type(error).__name__})"
            raise Unanswered(Code.UNAVAILABLE, message) from None

    def _answer(self, method: str, path: str, **content: Any) -> Any:
        for attempt in range(RETRIES):
            try:
                response = self._send(method, path, **content)
            except _retried(method):
                time.sleep(0.2 * 2**attempt)
                continue
            if method != "GET" or response.status_code not in UNAVAILABLE:
                return _content(response)
            time.sleep(min(MAX_WAIT, _retry_after(response) or 0.2 * 2**attempt))
        return _content(self._send(method, path, **content))

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        url = path if path.startswith("/") else f"/api/v1/tenants/{self.credential.tenant}/{path}"
        authorization = {"Authorization": f"Bearer {self.credential.token}"}
        return self._http.request(method, url, headers=authorization, **content)


def _retried(method: str) -> tuple[type[httpx.TransportError], ...]:
    """Return the failures after which a call may be made anew: for a POST, those before anything was sent."""
    return (httpx.TransportError,) if method == "GET" else (httpx.ConnectError, httpx.ConnectTimeout)


def signed_in(portal: str | None = None, tenant: str | None = None) -> Api:
    """Return the API that a command means. Raises Failure when there is no live credential for it."""
    credential = credentials.find(portal, tenant)
    if credential.expires_at <= time.time():
        raise Failure(Code.NOT_SIGNED_IN, "the sign-in has expired: run `bulkhead login`")
    return Api(credential)


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Say of a call that finds nothing what it was that a person named."""
    try:
        yield
    except Failure as failure:
        if failure.status != HTTPStatus.NOT_FOUND:
            raise
        raise Failure(failure.code, f"there is no {what}, or it is not yours to see", status=failure.status) from None


def part(name: str) -> str:
    """Return `name` as one part of a path; a name may itself hold slashes, which the API takes as they are."""
    return quote(name, safe="/")


def unreachable(portal: str, error: httpx.TransportError) -> Failure:
    return Failure(Code.UNAVAILABLE, f"{portal} can't be reached ({type(error).__name__})")


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0


def _content(response: httpx.Response) -> Any:
    if not response.is_success:
        raise _failure(response)
    try:
        return response.json() if response.content else None
    except ValueError:
        raise Unanswered(Code.UNAVAILABLE, "what answered is no portal: it sent no JSON") from None


def _failure(response: httpx.Response) -> Failure:
    """Word the API's error: its message, each field, and the incident to quote."""
    try:
        error = response.json()["error"]
        lines = [error["message"], *(f"  {name}: {hint}" for name, hint in error["fields"].items())]
        if error["incident"]:
            lines.append(f"  incident {error['incident']}")
    except (ValueError, KeyError, TypeError, AttributeError):
        lines = [f"the portal answered {response.status_code}"]
    kind = Unanswered if response.status_code in LOST else Failure
    return kind(CODES.get(response.status_code, Code.FAILED), "\n".join(lines), status=response.status_code)
