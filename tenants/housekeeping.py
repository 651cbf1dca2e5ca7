"""Remove from the registry what has run out: sign-in attempts, displaced sessions, grants, tokens."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from tenants.registry.models import AccessToken, Attempt, DeviceGrant, Displaced, Session


def tidy() -> None:
    """Each deletion is one statement over an indexed column."""
    Attempt.objects.filter(created_at__lt=Now() - timedelta(hours=1)).delete()
    Displaced.objects.filter(displaced_at__lt=Now() - timedelta(days=1)).delete()
    Session.objects.filter(seen_at__lt=Now() - timedelta(days=1)).delete()
    DeviceGrant.objects.filter(expires_at__lt=Now() - timedelta(hours=1)).delete()
    AccessToken.objects.filter(expires_at__lt=Now() - timedelta(days=90)).delete()
