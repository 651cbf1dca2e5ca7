"""What a tenant used, by day and person: counted from its log, so that a request waits for no counter."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Usage(models.Model):
    day = models.DateField()  # UTC
    person_id = models.UUIDField(null=True)  # none: workers and operators
    kind = models.CharField(max_length=32)
    count = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)

    class Meta:
        db_table = "usage"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "kind", "person_id"], name="usage_once", nulls_distinct=False),
        ]


class UsageHead(models.Model):
    """How far the log has been counted."""

    one = models.BooleanField(primary_key=True, default=True)
    position = models.BigIntegerField(default=0)

    class Meta:
        db_table = "usage_head"
