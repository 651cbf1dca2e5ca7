"""People: an identity at a provider, and nothing that could sign in by itself."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models


class Provider(models.TextChoices):
    GITHUB = "github", "GitHub"
    BITBUCKET = "bitbucket", "Bitbucket"


def label_of(*, email: str, name: str, login: str, provider: str, uid: str) -> str:
    """Return what the audit log and other members know a person by."""
    return email or name or login or f"{provider} {uid}"


class Person(models.Model):
    """A person is (provider, the provider's immutable id): never an e-mail address, never a login name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.CharField(max_length=16, choices=Provider)
    uid = models.CharField(max_length=64)
    login = models.CharField(max_length=255, blank=True)
    name = models.CharField(max_length=255, blank=True)
    email = models.EmailField(blank=True)
    mfa = models.BooleanField(null=True)  # None: the provider does not say
    created_at = models.DateTimeField(auto_now_add=True)
    signed_in_at = models.DateTimeField(null=True)
    tokens_frozen_at = models.DateTimeField(null=True)

    # What social-auth-app-django and contrib.auth ask of a user model. There is no password to check.
    USERNAME_FIELD = "id"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    is_active = True
    is_authenticated = True
    is_anonymous = False

    class Meta:
        db_table = "people"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "uid"], name="people_identity"),
            models.CheckConstraint(condition=~models.Q(uid=""), name="people_uid_given"),
        ]

    def __str__(self) -> str:
        return label_of(email="", name=self.name, login=self.login, provider=self.provider, uid=self.uid)

    @property
    def label(self) -> str:
        """What the audit log and other members know this person by."""
        return self.email or str(self)
