"""Certificates of destruction: they outlive the tenant, so nothing here refers to a row of it."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now


class Certificate(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(unique=True)
    slug = models.CharField(max_length=40, unique=True)  # never given away again
    document = models.TextField()  # the signed statement: a JWS (RFC 7515)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "certificates"
