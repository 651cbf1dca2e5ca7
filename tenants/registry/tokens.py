"""Tokens of command lines: the rows that each use is checked against. No token is stored."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now

from tenants.registry.people import Person
from tenants.registry.tenants import Tenant


class DeviceGrant(models.Model):
    """A command line waiting for its person to approve it (RFC 8628); both codes are kept as SHA-256 digests."""

    class State(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        DENIED = "denied"
        REDEEMED = "redeemed"

    device_digest = models.BinaryField(max_length=32, primary_key=True)
    user_digest = models.BinaryField(max_length=32, unique=True)
    name = models.CharField(max_length=100)  # what the command line calls itself: its host
    address = models.GenericIPAddressField(null=True)
    state = models.CharField(max_length=16, choices=State, default=State.PENDING)
    person = models.ForeignKey(Person, models.CASCADE, null=True)
    tenant = models.ForeignKey(Tenant, models.CASCADE, null=True)
    interval = models.PositiveSmallIntegerField(default=5)  # seconds between polls
    polled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "device_grants"


class AccessToken(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)  # the token's `jti`
    person = models.ForeignKey(Person, models.CASCADE, related_name="access_tokens")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="access_tokens")
    build_id = models.UUIDField(null=True)  # a token of one build: it may do what that build may, and nothing else
    name = models.CharField(max_length=100)
    address = models.GenericIPAddressField(null=True)  # where it was redeemed
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "access_tokens"
