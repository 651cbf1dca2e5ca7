"""Builds: one run of a repository, with a key of its own for as long as it runs."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from tenants.records.repositories import Repository


class Build(models.Model):
    class Outcome(models.TextChoices):
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        TIMED_OUT = "timed-out", "Timed out"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Deleting a repository leaves the record of what it ran, and ends what still runs.
    repository = models.ForeignKey(Repository, models.SET_NULL, null=True, related_name="builds")
    repository_name = models.CharField(max_length=100)
    revision = models.CharField(max_length=100, blank=True)  # what is built: a commit, a branch, a tag
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.RUNNING)
    person_id = models.UUIDField(null=True)
    started_by = models.CharField(max_length=255)
    started_at = models.DateTimeField(db_default=Now())
    ends_by = models.DateTimeField()  # a build that is never ended is ended then
    ended_at = models.DateTimeField(null=True)
    sealed_key = models.BinaryField(null=True)  # the build's key under the tenant's; shredded when the build ends
    override_names = models.JSONField(default=list)  # of the trigger's own parameters, which override stored ones
    sealed_overrides = models.BinaryField(null=True)  # shredded with the key

    class Meta:
        db_table = "builds"
        indexes: ClassVar = [models.Index(fields=["-started_at", "id"], name="builds_started_at")]
