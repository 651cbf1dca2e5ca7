"""Signing in and out. Begin is a POST and makes the attempt; complete is where the provider sends the browser back."""

from __future__ import annotations

import logging
from typing import Final, cast

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe
from social_core.exceptions import AuthCanceled, AuthProviderError, SocialAuthBaseException

from portal.guards import AnonymousRequest, anonymous
from portal.limits import limited
from portal.middleware import forget
from portal.signin import attempts, browsers, sessions
from portal.signin.destinations import local_path
from portal.signin.providers import BACKENDS, OFFERS, Offer, OncePKCE
from portal.signin.refusals import Reason, Refusal
from portal.signin.sessions import Previous
from portal.signin.storage import Storage
from portal.signin.strategy import Strategy
from tenants.registry.models import Person, Provider

log = logging.getLogger(__name__)

_NO_SECOND_FACTOR: Final = (
    "Your {0} account has no second factor: whoever learns its password is you here. Turn on two-factor "
    "authentication at {0}."
)


@anonymous
@require_safe
def sign_in(request: AnonymousRequest) -> HttpResponse:
    """Show which account to use and what the provider is asked for, before anybody is sent there."""
    destination = local_path(request.GET.get("next"))
    if request.person is not None:
        return HttpResponseRedirect(destination)
    return render(request, "signin/sign_in.html", {"next": destination})


@anonymous
@require_POST
@limited("sign-in")
def begin(request: AnonymousRequest, provider: str) -> HttpResponse:
    backend = _backend(request, _offer(provider))
    address = backend.auth_url()
    payload = {**backend.strategy.attempt, "next": local_path(request.POST.get("next"))}
    response = HttpResponseRedirect(address)
    lifetime = int(attempts.LIFETIME.total_seconds())
    response.set_cookie(
        attempts.COOKIE, attempts.create(payload), max_age=lifetime, secure=True, httponly=True, samesite="Lax"
    )
    return response


@anonymous
@require_GET
@limited("sign-in")
def complete(request: AnonymousRequest, provider: str) -> HttpResponse:
    offer = _offer(provider)
    backend = _backend(request, offer)
    backend.strategy.resume_attempt()
    try:
        person = _authenticated(backend, offer)
    except Refusal as refusal:
        return _refused(request, refusal, offer)
    response = HttpResponseRedirect(backend.strategy.session_get("next", "/"))
    _start_session(request, person)
    forget(response, attempts.COOKIE)
    return response


@anonymous
@require_POST
def sign_out(request: AnonymousRequest) -> HttpResponse:
    """End this browser's session, and only this one: one that displaced it lives on."""
    request.session.flush()
    rotate_token(request)
    response = redirect("sign-in")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@anonymous
@require_http_methods(["GET", "POST"])
def displaced(request: AnonymousRequest) -> HttpResponse:
    """Tell a displaced browser when and from where; its POST says "that wasn't me" and ends all that acts."""
    note = sessions.displaced(request.COOKIES.get(sessions.COOKIE, ""))
    if note is None:
        return redirect("sign-in")
    if request.method == "POST":
        sessions.shut_out(note)
        return render(request, "signin/frozen.html")
    context = {
        "at": note.displaced_at,
        "address": note.by_address or "an unknown address",
        "agent": note.by_browser,
        "may_freeze": True,
    }
    return render(request, "signin/displaced.html", context)


def _offer(provider: str) -> Offer:
    if provider not in settings.SIGN_IN_PROVIDERS:
        raise Http404
    return OFFERS[Provider(provider)]


def _backend(request: AnonymousRequest, offer: Offer) -> OncePKCE:
    back = reverse("sign-in-complete", args=[offer.name])
    return BACKENDS[offer.provider](Strategy(Storage, request), back)


def _authenticated(backend: OncePKCE, offer: Offer) -> Person:
    """Run the exchange and the pipeline. Raises Refusal, with the library's own reason in the log alone."""
    try:
        return cast(Person, backend.auth_complete())
    except AuthCanceled:
        raise Refusal(Reason.DECLINED, offer.title) from None
    except SocialAuthBaseException as error:
        log.warning("sign-in at %s failed: %s at %s", offer.name, error.code, error.stage)
        raise Refusal(_reason(error), offer.title) from None


def _reason(error: SocialAuthBaseException) -> Reason:
    if error.code in {"session_context_missing", "state_mismatch", "missing_parameter"}:
        return Reason.EXPIRED
    return Reason.PROVIDER_DOWN if isinstance(error, AuthProviderError) else Reason.ANSWER


def _refused(request: AnonymousRequest, refusal: Refusal, offer: Offer) -> HttpResponse:
    context = {"heading": refusal.heading, "reason": refusal.advice, "provider": offer.title}
    return render(request, "signin/refused.html", context, status=refusal.status)


def _start_session(request: AnonymousRequest, person: Person) -> None:
    browser = browsers.describe(request.headers.get("User-Agent", ""))
    previous = request.session.begin(person, request.address, browser)
    request.person = person
    rotate_token(request)
    if previous is not None:
        messages.warning(request, _displaced_another(previous))
    if person.mfa is False:
        messages.warning(request, _NO_SECOND_FACTOR.format(Provider(person.provider).label))


def _displaced_another(previous: Previous) -> str:
    where = f"{previous.browser} at {previous.address or 'an unknown address'}"
    when = f"{previous.seen_at:%d %b %Y, %H:%M} UTC"
    return f"This sign-in ended your session in another browser: {where}, last used {when}."
