"""Parameter sets: named values, sealed, with the filters that say which repositories' builds may have them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class ParameterSet(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    filters = models.JSONField(default=list)  # [["name=value", …], …]; see records/labels.py
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.CharField(max_length=255)
    deleted_at = models.DateTimeField(null=True)  # until it is shredded, a deletion can be undone
    deleted_by = models.CharField(max_length=255, blank=True, db_default="")

    # Counted by whoever asks for them (tenants/actions/parameters.py); no columns.
    size: int
    expiring: int

    class Meta:
        db_table = "parameter_sets"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(deleted_at=None), name="parameter_sets_name_live"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Parameter(models.Model):
    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        FILE = "file", "File"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    set = models.ForeignKey(ParameterSet, models.CASCADE, related_name="parameters")
    name = models.CharField(max_length=100)
    version = models.PositiveIntegerField(default=1)  # the value in force
    description = models.CharField(max_length=500, blank=True, db_default="")
    kind = models.CharField(max_length=8, choices=Kind, db_default=Kind.TEXT)
    expires_on = models.DateField(null=True)  # a reminder to replace it: an expired value is still given out
    reminded_at = models.DateTimeField(null=True)  # when the log last said that the date is near, or has passed
    deleted_at = models.DateTimeField(null=True)
    deleted_by = models.CharField(max_length=255, blank=True, db_default="")

    class Meta:
        db_table = "parameters"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["set", "name"], condition=models.Q(deleted_at=None), name="parameters_name_live"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ParameterVersion(models.Model):
    """One value of a parameter, under an item key of its own."""

    parameter = models.ForeignKey(Parameter, models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    sealed = models.BinaryField()
    author = models.CharField(max_length=255)
    reason = models.CharField(max_length=200, blank=True, db_default="")
    size = models.PositiveIntegerField(db_default=0)  # bytes
    # HMAC under the tenant's lookup key over this row's own place and the value: finds a value, and no two rows of
    # equal values look alike.
    digest = models.BinaryField(max_length=32, null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "parameter_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["parameter", "version"], name="parameter_versions_version"),
        ]
