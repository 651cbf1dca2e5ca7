"""The private halves that messages for this tenant are opened with, each sealed under the tenant's key."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class SealingSecret(models.Model):
    version = models.PositiveIntegerField(primary_key=True)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "sealing_secrets"
