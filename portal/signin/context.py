"""What any page that offers to sign in, here or on a command line, needs to know."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings

from portal.guards import AnonymousRequest
from portal.signin.providers import offered
from portal.views.mine import my_tenancies


def sign_in(request: AnonymousRequest) -> dict[str, Any]:
    """Return the providers that are set up here, with their scopes, the e-mail domains let in, and our own address;

    and what the switcher lists, asked for only where it is shown.
    """
    return {
        "offers": offered,
        "allowed_domains": settings.ALLOWED_EMAIL_DOMAINS,
        "portal_url": settings.BASE_URL,
        "my_tenancies": partial(my_tenancies, request),
    }
