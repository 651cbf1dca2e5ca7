"""Repositories that a tenant builds, with the labels that decide what their builds may have."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now


class Repository(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    url = models.CharField(max_length=500, blank=True)
    labels = models.JSONField(default=list)  # ["name=value", …]
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "repositories"

    def __str__(self) -> str:
        return self.name
