"""Keys that live in the compartment, each sealed under the tenant's key, and how often that key was used."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class SealingSecret(models.Model):
    """A private half that messages for this tenant are opened with."""

    version = models.PositiveIntegerField(primary_key=True)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "sealing_secrets"


class LookupSecret(models.Model):
    """The key under which digests of values are made, so that a value can be found without opening all."""

    version = models.PositiveIntegerField(primary_key=True)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "lookup_secrets"


class KeyUse(models.Model):
    """How many item keys each version of the tenant's key has wrapped, counted in the transaction that stores them."""

    version = models.PositiveIntegerField(primary_key=True)
    uses = models.BigIntegerField(default=0)
    closed_at = models.DateTimeField(null=True)  # from then on nothing can be stored under this version

    class Meta:
        db_table = "key_uses"
