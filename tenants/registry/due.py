"""What is due where: an index of work, so that a sweep costs what is due and not how many tenants there are.

A row here is a hint. It is committed *before* the message it points to, so that no message can lack one; a hint whose
message never came is dropped once no transaction that could still bring it can be alive.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from tenants.registry.tenants import Tenant


class Due(models.Model):
    class Kind(models.TextChoices):
        DELIVER = "deliver"
        EXPIRE_SENT = "expire-sent"
        EXPIRE_RECEIVED = "expire-received"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")  # whose compartment holds the message
    kind = models.CharField(max_length=16, choices=Kind)
    message_id = models.UUIDField()
    due_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "due"
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "kind", "message_id"], name="due_once")]
