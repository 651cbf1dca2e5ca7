"""Who belongs to which tenant, and who asked to."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from tenants.registry.people import Person
from tenants.registry.tenants import Tenant
from tenants.roles import Role


class Membership(models.Model):
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=[(role.value, role.label) for role in Role])
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "memberships"
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "person"], name="memberships_once")]


class JoinRequest(models.Model):
    """Somebody asks a tenant to be let in; a member who may admit people decides."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="join_requests")
    person = models.ForeignKey(Person, models.CASCADE, related_name="join_requests")
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "join_requests"
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "person"], name="join_requests_once")]
