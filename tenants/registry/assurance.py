"""What is found out about compartments: the last proof that each is closed, and where live and declared differ."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from tenants.registry.tenants import Tenant


class IsolationProof(models.Model):
    """The last attempt to leave a tenant's compartment with the tenant's own database role."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="proof")
    at = models.DateTimeField(db_default=Now())
    results = models.JSONField()  # one object an attempt: what was tried, whether the wall held, the server's answer
    escapes = models.PositiveIntegerField()  # how many attempts succeeded; anything but 0 is an incident

    class Meta:
        db_table = "isolation_proofs"


class DriftReport(models.Model):
    """One comparison of the live database with what code declares."""

    at = models.DateTimeField(db_default=Now())
    tenants = models.PositiveIntegerField()  # how many were compared
    findings = models.JSONField()  # one object a difference: subject, what, declared, live, repaired

    class Meta:
        db_table = "drift_reports"
        indexes: ClassVar = [models.Index(fields=["-at"], name="drift_reports_at")]
