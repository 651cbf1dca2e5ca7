"""What nearly every page needs to know: how to sign in, here or on a command line, and the person's own tenants."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from portal.signin.providers import offered
from tenants.actions.tenancies import Tenancy, tenants_of


def sign_in(request: HttpRequest) -> dict[str, Any]:
    """Return the providers that are set up here, with their scopes, the e-mail domains let in, and our own address;

    and what the switcher lists, asked for only where it is shown.
    """
    return {
        "offers": offered,
        "allowed_domains": settings.ALLOWED_EMAIL_DOMAINS,
        "portal_url": settings.BASE_URL,
        "my_tenancies": partial(my_tenancies, request),
    }


def my_tenancies(request: HttpRequest) -> list[Tenancy]:
    """Return what `tenants_of` says of the request's person, asked for once a request; nothing for a visitor."""
    person = getattr(request, "person", None)
    if person is None:
        return []
    found: list[Tenancy] | None = getattr(request, "tenancies", None)
    if found is None:
        found = request.tenancies = tenants_of(person.pk)  # type: ignore[attr-defined]  # ours, read here alone
    return found
