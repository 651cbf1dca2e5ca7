"""SSH keys: the public half to show, the private half sealed."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now


class SSHKey(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=64)  # "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "sk-…"
    bits = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)  # "SHA256:…", as ssh-keygen -l prints it
    comment = models.CharField(max_length=200, blank=True)
    public = models.TextField()  # one line, as in authorized_keys
    passphrase_protected = models.BooleanField(default=False)
    filters = models.JSONField(default=list)
    sealed = models.BinaryField()
    author = models.CharField(max_length=255)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ssh_keys"

    def __str__(self) -> str:
        return self.name
