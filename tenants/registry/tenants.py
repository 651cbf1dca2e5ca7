"""Tenants and their keys: written by the provisioner and by operations alone; the web's role reads."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field, fields
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from tenants.registry.people import Person


def new_schema_name() -> str:
    """Return a name that says nothing about the customer: names of schemas can be seen by every role."""
    return f"t_{secrets.token_hex(8)}"


class TenantState(models.TextChoices):
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"


@dataclass(frozen=True, slots=True)
class TenantIdentity:
    """What every entrance and every act need to know of a tenant, without its row as an object."""

    id: uuid.UUID
    slug: str
    name: str
    schema: str
    state: str
    state_reason: str
    password_version: int = field(repr=False)

    def row(self) -> Tenant:
        """Return the row, for what wants one; its other columns are read when they are asked for."""
        known = [each.name for each in fields(self)]
        return Tenant.from_db("default", known, [getattr(self, name) for name in known])


class Tenant(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    schema = models.CharField(max_length=18, unique=True, default=new_schema_name)  # also the database role's name
    state = models.CharField(max_length=16, choices=TenantState, default=TenantState.ACTIVE)
    state_reason = models.CharField(max_length=500, blank=True)
    schema_version = models.CharField(max_length=100)  # the last of the records' migrations that it has
    schema_failure = models.CharField(max_length=1000, blank=True, db_default="")  # why the next one did not apply
    canary = models.BooleanField(db_default=False)  # takes each migration before the other tenants do
    password_version = models.PositiveIntegerField(default=1)
    password_changed_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "tenants"
        constraints: ClassVar = [
            # The schema's name reaches SQL as an identifier: nothing else than this can ever be stored.
            models.CheckConstraint(condition=models.Q(schema__regex=r"^t_[0-9a-f]{16}$"), name="tenants_schema_form"),
            models.CheckConstraint(condition=models.Q(slug__regex=r"^[a-z][a-z0-9-]*$"), name="tenants_slug_form"),
        ]

    def __str__(self) -> str:
        return self.name

    def identity(self) -> TenantIdentity:
        return TenantIdentity(*(getattr(self, each.name) for each in fields(TenantIdentity)))


class TenantRequest(models.Model):
    """A tenant that a customer asked for; the provisioner makes it and leaves the outcome here."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)  # becomes the tenant's id
    slug = models.CharField(max_length=40)
    name = models.CharField(max_length=100)
    person = models.ForeignKey(Person, models.CASCADE)
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "tenant_requests"
        constraints: ClassVar = [
            # One that failed gives its address back.
            models.UniqueConstraint(
                fields=["slug"], condition=~models.Q(state="failed"), name="tenant_requests_slug_once"
            ),
        ]


class TenantKey(models.Model):
    """A version of a tenant's key, wrapped by the key service. Without it nothing of the tenant opens."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="keys")
    version = models.PositiveIntegerField()
    key_service = models.CharField(max_length=255)
    wrapped = models.BinaryField()
    # The key's own id, which all that is sealed under it names: the same whoever wraps it. Null: not yet looked at.
    key_id = models.BinaryField(max_length=16, null=True)
    retired_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "tenant_keys"
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "version"], name="tenant_keys_version")]


class SealingKey(models.Model):
    """The public half of the key that messages for a tenant are sealed to; the private half is in the compartment."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="sealing_keys")
    version = models.PositiveIntegerField()
    public = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "sealing_keys"
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "version"], name="sealing_keys_version")]


class TenantLimits(models.Model):
    """How much a tenant may use; what is null has no limit. Written by operations alone."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="limits")
    members = models.PositiveIntegerField(null=True)
    repositories = models.PositiveIntegerField(null=True)
    parameters = models.PositiveIntegerField(null=True)
    ssh_keys = models.PositiveIntegerField(null=True)
    builds_a_day = models.PositiveIntegerField(null=True)
    reads_a_day = models.PositiveIntegerField(null=True)
    messages_a_day = models.PositiveIntegerField(null=True)
    message_bytes_a_day = models.PositiveBigIntegerField(null=True)

    class Meta:
        db_table = "tenant_limits"
