"""Who may enter an operation of the API. Each operation states its level here, with `signed_in()` or `member(…)`.

What states nothing is closed: `portal.api.urls` builds no door for an operation without a level.
Sessions and cookies mean nothing to the API: an access token in the Authorization header is the only way in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from threading import Lock
from typing import Final, cast
from uuid import UUID

from cachetools import TTLCache
from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer

from portal import epochs, limits
from portal.api.errors import Refusal, unauthenticated
from portal.api.reading import announced_size
from portal.guards import Level
from portal.limits import TooMany
from portal.tokens import BadToken, Claims, Tokens
from tenants.actions import tokens as rows
from tenants.actor import Actor
from tenants.compartment import Compartment, enter_by
from tenants.errors import NotFound, Refused
from tenants.registry.passes import Pass
from tenants.roles import Permission

MAX_BODY: Final = 256 * 1024  # bytes

# Whose limit a token uses up, where its row said in the last minute that it is not its person's: a build has its own,
# and whoever goes on with a token that is refused is somebody unknown. Else a build's script, or the thief of a token
# that was revoked, would keep the person out for as long as the token has to live.
_payers: Final[TTLCache[UUID, list[str]]] = TTLCache(maxsize=4096, ttl=60)
_lock: Final = Lock()


class ApiRequest(HttpRequest):
    """A request that was let in; `compartment` is set where the operation asks for a member."""

    actor: Actor
    token: Pass
    compartment: Compartment
    admission: ExitStack  # opened and closed by the door (portal.api.urls)


class Bearer(HttpBearer):
    """Lets in whoever holds a live access token and, where a permission is named, may do that in the URL's tenant."""

    openapi_bearerFormat = "JWE"  # noqa: N815 - OpenAPI's own spelling, read by django-ninja

    def __init__(
        self, permission: Permission | None = None, *, body: int = MAX_BODY, builds: bool = False, rate: str = ""
    ) -> None:
        super().__init__()
        self.builds = builds  # open to a build's token too; every other operation is closed to it
        self.rate = rate  # of `settings.RATES`, counted for this operation beside the API's own
        self.permission = permission
        self.level = Level.SIGNED_IN if permission is None else Level.MEMBER
        self.body = body
        self.query: frozenset[str] = frozenset()  # what the operation takes there; portal.api.root looks it up

    def __call__(self, request: HttpRequest) -> bool:
        """Check in this order: token, rate, row, size, tenant, permission, query; only then is the body read."""
        if not super().__call__(request):
            limits.spend(request, "api")
            raise unauthenticated()
        self.judge(cast(ApiRequest, request).token)
        if announced_size(request) > self.body:
            raise Refusal(413, f"The body may hold {self.body} bytes.")
        if self.permission is not None:
            made = cast(ApiRequest, request)
            slug = request.resolver_match.kwargs["tenant"] if request.resolver_match else ""
            # The door leaves it again.
            made.compartment = made.admission.enter_context(admit(made.token, slug, self.permission))
        # django-ninja would pass over a name that it does not know.
        if unknown := set(request.GET) - self.query:
            raise Refusal(422, fields=dict.fromkeys(unknown, "There is no such parameter."))
        return True

    def authenticate(self, request: HttpRequest, token: str) -> bool:
        """Set the actor; False for a token that is not ours."""
        try:
            claims = tokens().verify(token, time.time())
        except BadToken:
            return False
        made = cast(ApiRequest, request)
        made.token = identify(
            claims, request.META["REMOTE_ADDR"]
        )  # the true client's: portal.middleware has seen to it
        made.actor = made.token.actor
        return True

    def judge(self, held: Pass) -> None:
        """Refuse a build's token where none is taken, and one that is used too often for this operation."""
        if held.actor.build_id is not None and not self.builds:
            raise Refusal(403, "A build's token opens what is that build's own, and nothing else.")
        if self.rate:
            # A person has one account, however many tokens; of the builds that they start each is by itself.
            build = held.actor.build_id
            who = f"account {held.person_id}" if build is None else f"build {build}"
            limits.spend_by(held.actor.address, self.rate, who)


def signed_in() -> Bearer:
    return Bearer()


def member(permission: Permission, *, body: int = MAX_BODY, rate: str = "") -> Bearer:
    return Bearer(permission, body=body, rate=rate)


def own_build(permission: Permission, *, rate: str = "") -> Bearer:
    """Open an operation to a build's token, and to people whose role carries the permission, if any does."""
    return Bearer(permission, builds=True, rate=rate)


def identify(claims: Claims, address: str) -> Pass:
    """Do what `identify_each` does for one; raise what refuses it."""
    [held] = identify_each([(claims, address)])
    if isinstance(held, Exception):
        raise held
    return held


def identify_each(asked: Sequence[tuple[Claims, str]]) -> list[Pass | TooMany | Refusal]:
    """Count the uses, then ask the rows: revoked, expired and frozen are looked up each time, no verdict is remembered.

    In the order of `asked`, what a token says and the address that it came from; why one is refused is in its place.
    """
    counted = limits.spend_each("api", [(address, _accounts(claims)) for claims, address in asked])
    spent = [each for each, too_many in zip(asked, counted, strict=True) if too_many is None]
    held = iter(rows.use_tokens([(claims.token_id, address) for claims, address in spent]) if spent else [])
    return [too_many or _held(claims, next(held)) for (claims, _), too_many in zip(asked, counted, strict=True)]


def _accounts(claims: Claims) -> list[str]:
    with _lock:
        known: list[str] | None = _payers.get(claims.token_id)
    return [f"account {claims.person_id}"] if known is None else known


def _held(claims: Claims, held: Pass | None) -> Pass | Refusal:
    if held is None or (held.person_id, held.tenant.id) != (claims.person_id, claims.tenant_id):
        _let_pay(claims, [])
        return unauthenticated()
    if held.actor.build_id is not None:
        _let_pay(claims, [f"build {held.actor.build_id}"])
    return held


def _let_pay(claims: Claims, accounts: list[str]) -> None:
    with _lock:
        _payers[claims.token_id] = accounts


@contextmanager
def admit(held: Pass, slug: str, permission: Permission) -> Iterator[Compartment]:
    """Enter the tenant that both the address and the token name."""
    if slug != held.tenant.slug:
        raise NotFound
    with enter_by(held) as inside:
        if not inside.may(permission):
            raise Refused(permission)
        yield inside


def tokens() -> Tokens:
    """Return what issues with the present period's key, and accepts the one before it too."""
    return _tokens(epochs.keys("tokens", settings.TOKEN_SECRET, settings.TOKEN_SECRET_FALLBACKS))


@lru_cache(maxsize=2)
def _tokens(keys: tuple[bytes, ...]) -> Tokens:
    return Tokens(keys, settings.BASE_URL)
