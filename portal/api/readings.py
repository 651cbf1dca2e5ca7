"""The reading of a repository's values, without what Django and django-ninja do around every request.

Nothing else is asked for as often, and half of such a request's time would go into generality: middleware for
browsers, the search for the view, forms of bodies and answers that never change. Here is only what *this* request
needs, in the order of `portal.api.access`, by the same functions; the operation's own door says who may enter.

Whatever is in any way unusual is left to Django before anything is done or counted: only a request that the operation
would take as it stands goes on here. What is refused from then on is answered by the API's own words.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIRequest
from django.db import connections
from django.http.request import split_domain_port, validate_host
from pydantic import ValidationError

from portal import incidents
from portal.api import access, errors
from portal.api.errors import Refusal
from portal.api.reading import parsed
from portal.api.repositories import EnvironmentRequest, reveal_environment, sealed
from portal.api.root import operations, stated
from portal.api.together import Together
from portal.errors import OUTSIDE
from portal.limits import TooMany
from portal.middleware import caller, headers, log_request
from portal.tokens import BadToken, Claims
from tenants.actions.in_reach import Found
from tenants.actions.parameters import find_environments, open_environment
from tenants.compartment import Compartment
from tenants.errors import TenantsError
from tenants.registry.passes import Pass

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

Application = Callable[[dict[str, Any], "StartResponse"], Iterable[bytes]]

# As portal.urls and the operation's own address have it.
_PATH: Final = re.compile(r"/api/v1/tenants/([a-z][a-z0-9-]{0,39})/repositories/([ -~]{1,100})/environment")
_USUAL: Final = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": "application/json", "QUERY_STRING": "", "SCRIPT_NAME": ""}
_FOREIGN: Final = frozenset({"HTTP_COOKIE", "HTTP_TRANSFER_ENCODING", "HTTP_EXPECT"})
_SCHEME: Final = "Bearer "
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}


@dataclass(slots=True)
class Asked:
    """A request that is in order: who calls with what, for which repository of which tenant."""

    path: str
    address: str
    claims: Claims
    tenant: str
    repository: str
    body: EnvironmentRequest
    held: Pass | None = None  # once it is counted: what goes alone after the others is not counted again


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found for one who asked, and by which pass; the log has it."""

    held: Pass
    found: Found


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes


class Readings:
    """Answers such requests, and leaves all others to `portal`, Django's application."""

    def __init__(self, portal: Application) -> None:
        self.portal = portal
        [self.bearer] = (stated(each) for each in operations() if each.view_func is reveal_environment)
        if self.bearer.permission is None:
            raise ImproperlyConfigured("reading values asks for a permission")
        self.permission = self.bearer.permission
        self.headers = {**headers(), "Cache-Control": "no-store"}
        self.together = Together(self._find, outside=OUTSIDE)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        asked = _asked(environ, self.bearer.body)
        if asked is None:
            return self.portal(environ, start_response)
        began = time.monotonic()
        incident = incidents.new()
        token = incidents.current.set(incident)
        try:
            connections["default"].close_if_unusable_or_obsolete()  # since the thread's last request, hours ago perhaps
            answer = self._answer(asked, environ, incident)
            log_request("POST", asked.path, answer.status, asked.address, began)
        finally:
            incidents.current.reset(token)
        sent = {**self.headers, **answer.headers, "Content-Length": str(len(answer.content))}
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(sent.items()))
        return [answer.content]

    def _answer(self, asked: Asked, environ: dict[str, Any], incident: str) -> Answer:
        try:
            reading = self.together.ask(asked.claims.tenant_id, asked)
            # Once more, whoever asked for all: each thread is in the compartment by its own pass.
            with access.admit(reading.held, asked.tenant, self.permission) as inside:
                jwe = sealed(inside, asked.repository, open_environment(inside, reading.found), asked.body.key)
        except Exception as error:  # noqa: BLE001 - as django-ninja hands to the API's own answers what an operation raises
            request = WSGIRequest(environ)
            request.incident = incident  # type: ignore[attr-defined]  # an attribute of ours, read by portal.errors
            refused = errors.answer(request, error)
            return Answer(refused.status_code, dict(refused.items()), refused.content)
        return Answer(HTTPStatus.OK, _JSON, json.dumps({"jwe": jwe}).encode())

    def _find(self, several: Sequence[Asked]) -> list[Reading | Exception]:
        """Let in those of one tenant who ask at one time, and find for all of them in one statement."""
        passes = _identified(several)
        inside: dict[int, tuple[Pass, Compartment]] = {}
        answers: dict[int, Reading | Exception] = {}
        with ExitStack() as entered:
            for place, held in enumerate(passes):
                try:
                    inside[place] = self._admit(entered, several[place], held)
                except (Refusal, TooMany, TenantsError) as refused:
                    answers[place] = refused.with_traceback(None)  # its frames hold what the others asked
            asked = [(compartment, several[place].repository) for place, (_, compartment) in inside.items()]
            found = find_environments(asked) if asked else []
        for (place, (held, _)), each in zip(inside.items(), found, strict=True):
            answers[place] = Reading(held, each) if isinstance(each, Found) else each
        return [answers[place] for place in range(len(several))]

    def _admit(self, entered: ExitStack, asked: Asked, held: Pass | TooMany | Refusal) -> tuple[Pass, Compartment]:
        if not isinstance(held, Pass):
            raise held
        self.bearer.judge(held)
        return held, entered.enter_context(access.admit(held, asked.tenant, self.permission))


def _identified(several: Sequence[Asked]) -> Sequence[Pass | TooMany | Refusal]:
    if len(several) == 1 and (known := several[0].held):
        return [known]
    passes = access.identify_each([(each.claims, each.address) for each in several])
    for each, held in zip(several, passes, strict=True):
        each.held = held if isinstance(held, Pass) else None
    return passes


def _asked(environ: dict[str, Any], most: int) -> Asked | None:
    """Return what is asked if everything is as it should be; else None, and nothing was taken from `environ`."""
    if any(environ.get(name, "") != value for name, value in _USUAL.items()) or not _FOREIGN.isdisjoint(environ):
        return None
    path = _PATH.fullmatch(environ["PATH_INFO"])
    if path is None or not _is_ours(environ.get("HTTP_HOST", "")):
        return None
    client = caller(environ)
    if settings.SECURE_SSL_REDIRECT and (client.proto or environ["wsgi.url_scheme"]) != "https":
        return None
    claims = _claims(environ)
    body = _body(environ, most) if claims else None  # for a stranger's, which may never come, no thread waits
    if claims is None or body is None:
        return None
    return Asked(path[0], str(client.address), claims, path[1], path[2], body)


@lru_cache(maxsize=64)
def _is_ours(host: str) -> bool:
    """Say what Django's `get_host` does."""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _claims(environ: Mapping[str, Any]) -> Claims | None:
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    if not authorization.startswith(_SCHEME):
        return None
    try:
        return access.tokens().verify(authorization.removeprefix(_SCHEME), time.time())
    except BadToken:
        return None


def _body(environ: dict[str, Any], most: int) -> EnvironmentRequest | None:
    """Return the body, which is left to be read again."""
    length = environ.get("CONTENT_LENGTH", "")
    if not (length.isascii() and length.isdigit()) or int(length) > most:
        return None
    raw = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = BytesIO(raw)
    try:
        return EnvironmentRequest.model_validate(parsed(raw))
    except (Refusal, ValidationError):
        return None
