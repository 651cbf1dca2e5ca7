"""What any page that offers to sign in, here or on a command line, needs to know."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from portal.signin.providers import offered


def sign_in(_request: HttpRequest) -> dict[str, Any]:
    """Return the providers that are set up here, with their scopes, the e-mail domains let in, and our own address."""
    return {
        "offers": offered,
        "allowed_domains": settings.ALLOWED_EMAIL_DOMAINS,
        "portal_url": settings.BASE_URL,
    }
