"""SSH keys: the public half to show, the private half sealed."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class SSHKey(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    generation = models.PositiveIntegerField(db_default=1)  # rotating makes the next one beside the old
    description = models.CharField(max_length=500, blank=True, db_default="")
    kind = models.CharField(max_length=64)  # "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "sk-…"
    bits = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)  # "SHA256:…", as ssh-keygen -l prints it
    comment = models.CharField(max_length=200, blank=True)
    public = models.TextField()  # one line, as in authorized_keys
    passphrase_protected = models.BooleanField(default=False)
    filters = models.JSONField(default=list)
    known_hosts = models.TextField(blank=True, db_default="")  # lines for the hosts that this key is for
    sealed = models.BinaryField(null=True)  # the private half; shredded when the key is retired
    author = models.CharField(max_length=255)
    created_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ssh_keys"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "generation"], name="ssh_keys_generation"),
        ]

    def __str__(self) -> str:
        return self.name


class SSHAuthority(models.Model):
    """A certificate authority of the tenant: its private half signs short-lived user certificates."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    public = models.TextField()  # one line: what hosts put behind TrustedUserCAKeys
    fingerprint = models.CharField(max_length=64)
    sealed = models.BinaryField(null=True)  # shredded when the authority is retired
    author = models.CharField(max_length=255)
    created_at = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ssh_authorities"

    def __str__(self) -> str:
        return self.fingerprint


class SSHCertificate(models.Model):
    """A certificate that was issued: whom it names, for how long. The certificate itself is not kept."""

    serial = models.BigAutoField(primary_key=True)
    authority = models.ForeignKey(SSHAuthority, models.CASCADE, related_name="certificates")
    key_id = models.CharField(max_length=255)  # what the host's log shows
    principals = models.JSONField()
    fingerprint = models.CharField(max_length=64)  # of the certified public key
    person_id = models.UUIDField(null=True)
    valid_until = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ssh_certificates"

    def __str__(self) -> str:
        return self.key_id
