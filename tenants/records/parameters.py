"""Parameter sets: named values, sealed, with the filters that say which repositories' builds may have them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class ParameterSet(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=500, blank=True)
    filters = models.JSONField(default=list)  # [["name=value", …], …]; see records/labels.py
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.CharField(max_length=255)

    class Meta:
        db_table = "parameter_sets"

    def __str__(self) -> str:
        return self.name


class Parameter(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    set = models.ForeignKey(ParameterSet, models.CASCADE, related_name="parameters")
    name = models.CharField(max_length=100)
    version = models.PositiveIntegerField(default=1)  # the value in force

    class Meta:
        db_table = "parameters"
        constraints: ClassVar = [models.UniqueConstraint(fields=["set", "name"], name="parameters_name")]

    def __str__(self) -> str:
        return self.name


class ParameterVersion(models.Model):
    """One value of a parameter, under an item key of its own."""

    parameter = models.ForeignKey(Parameter, models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    sealed = models.BinaryField()
    author = models.CharField(max_length=255)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "parameter_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["parameter", "version"], name="parameter_versions_version"),
        ]
