"""What django-tenants asks a project for: a tenant and its domains."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django_tenants.models import DomainMixin, TenantMixin


class Client(TenantMixin):
    name = models.CharField(max_length=100)

    # As ours: what a template schema holds (the first row of the audit chain's head) comes along.
    clone_mode: ClassVar[str] = "DATA"


class Domain(DomainMixin):
    pass
