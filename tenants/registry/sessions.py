"""Sessions in the browser: at most one for each person, because the person is the key."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from tenants.registry.people import Person


class Session(models.Model):
    person = models.OneToOneField(Person, models.CASCADE, primary_key=True)
    handle_digest = models.BinaryField(max_length=32, unique=True)  # SHA-256 of what the cookie holds
    payload = models.BinaryField()  # AES-256-GCM under a key that only the cookie's holder and the portal can derive
    created_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=255, blank=True)

    class Meta:
        db_table = "sessions"


class Attempt(models.Model):
    """A sign-in under way: OAuth state, PKCE verifier, where to go next. Lives for minutes."""

    handle_digest = models.BinaryField(max_length=32, primary_key=True)
    payload = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        db_table = "sign_in_attempts"


class Displaced(models.Model):
    """A session that a newer sign-in ended: kept so that the older browser can be told when and from where."""

    handle_digest = models.BinaryField(max_length=32, primary_key=True)
    person = models.ForeignKey(Person, models.CASCADE)
    displaced_at = models.DateTimeField(db_default=Now(), db_index=True)
    by_address = models.GenericIPAddressField(null=True)
    by_browser = models.CharField(max_length=255, blank=True)

    class Meta:
        db_table = "displaced_sessions"
