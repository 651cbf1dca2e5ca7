"""Connections: a provider and a consumer that agreed to exchange messages."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from tenants.registry.tenants import Tenant


class Connection(models.Model):
    class State(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        ACTIVE = "active", "Active"
        ENDED = "ended", "Ended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    consumer = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    proposed_by = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    state = models.CharField(max_length=16, choices=State, default=State.PROPOSED)
    created_at = models.DateTimeField(db_default=Now())
    accepted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Tenant, models.CASCADE, related_name="+", null=True)

    class Meta:
        db_table = "connections"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider", "consumer"],
                condition=models.Q(state__in=["proposed", "active"]),
                name="connections_once",
            ),
            models.CheckConstraint(condition=~models.Q(provider=models.F("consumer")), name="connections_two"),
        ]
