"""Who may open a door. Each view states its level where it is declared; a test walks the URLs for one that does not.

@anonymous                   anybody
@signed_in                   a person with a live session
@member(Permission.X)        a member of the URL's tenant whose role carries X; the view gets the compartment
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from portal.signin import sessions
from portal.signin.sessions import SessionStore
from tenants import compartment as compartments
from tenants.actor import Actor
from tenants.compartment import Compartment
from tenants.errors import Refused
from tenants.registry.models import Person
from tenants.roles import Permission

P = ParamSpec("P")


class Level(StrEnum):
    ANONYMOUS = "anonymous"
    SIGNED_IN = "signed_in"
    MEMBER = "member"


class AnonymousRequest(HttpRequest):
    """What the middleware adds to every request."""

    address: str
    incident: str
    person: Person | None
    session: SessionStore


class SignedInRequest(HttpRequest):
    """A request whose person is known."""

    address: str
    incident: str
    person: Person
    session: SessionStore


class MemberRequest(SignedInRequest):
    """A request inside a compartment."""


View = Callable[..., HttpResponseBase]
MemberView = Callable[Concatenate[MemberRequest, Compartment, ...], HttpResponseBase]


def anonymous(view: Callable[Concatenate[AnonymousRequest, P], HttpResponseBase]) -> View:
    return _stated(view, Level.ANONYMOUS)


def signed_in(view: Callable[Concatenate[SignedInRequest, P], HttpResponseBase]) -> View:
    @wraps(view)
    def guarded(request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return view(request, *args, **kwargs) if request.person else _to_sign_in(request)

    return _stated(guarded, Level.SIGNED_IN)


def member(permission: Permission, *, suspended: bool = False) -> Callable[[MemberView], View]:
    """Enter the compartment that the URL's `tenant` (a slug) names, and open only to a role with `permission`.

    Raises NotFound for whoever is no member, as for a tenant that does not exist, Refused without the permission, and
    Suspended unless the door is open to a `suspended` tenant's members too.
    """

    def guard(view: MemberView) -> View:
        @wraps(view)
        def guarded(request: MemberRequest, tenant: str, **kwargs: Any) -> HttpResponseBase:
            if not request.person:
                return _to_sign_in(request)
            with compartments.enter(tenant, actor_of(request), suspended=suspended) as compartment:
                if not compartment.may(permission):
                    raise Refused(permission)
                return view(request, compartment, **kwargs)

        return _stated(guarded, Level.MEMBER, permission)

    return guard


def actor_of(request: SignedInRequest) -> Actor:
    """Return the signed-in person as whom an action takes and the audit log names."""
    person = request.person
    return Actor.person(person.pk, person.label, address=request.address)


def _stated(view: View, level: Level, permission: Permission | None = None) -> View:
    view.level = level  # type: ignore[attr-defined]  # read by the test that walks the URLs
    view.permission = permission  # type: ignore[attr-defined]
    return view


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send a browser to sign in and back to where it was; one that was displaced is told so first."""
    if sessions.displaced(request.COOKIES.get(sessions.COOKIE, "")):
        address = reverse("session-displaced")
    else:
        back = {"next": request.get_full_path()} if request.method == "GET" else {}
        address = f"{reverse('sign-in')}?{urlencode(back)}" if back else reverse("sign-in")
    if request.headers.get("HX-Request") == "true":
        return HttpResponseClientRedirect(address.partition("?")[0])
    return HttpResponseRedirect(address)
