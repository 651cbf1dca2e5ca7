"""social-auth's pipeline, ours from end to end: who is it, may they in, write it down. No access token is kept."""

from __future__ import annotations

from typing import Any, Protocol

from django.conf import settings
from django.db.models.functions import Now

from portal.signin import identity as identities
from portal.signin.identity import Identity
from tenants.registry.models import Person


class Backend(Protocol):
    def identity(self, answer: dict[str, Any]) -> Identity: ...


def identify(backend: Backend, response: dict[str, Any], **_: Any) -> dict[str, Any]:
    return {"identity": backend.identity(response)}


def admit(identity: Identity, **_: Any) -> None:
    identities.admit(identity, settings.ALLOWED_EMAIL_DOMAINS)


def remember(identity: Identity, **_: Any) -> dict[str, Any]:
    """Find the person by provider and immutable id alone; what may change at the provider is brought up to date."""
    said = {"login": identity.login, "name": identity.name, "email": identity.email, "mfa": identity.mfa}
    person, is_new = Person.objects.update_or_create(
        provider=identity.provider, uid=identity.uid, defaults={**said, "signed_in_at": Now()}
    )
    return {"user": person, "is_new": is_new}
