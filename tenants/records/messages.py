"""Messages on both sides: an envelope that stays as a receipt, and sealed content that does not outlive its TTL."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class Envelope(models.Model):
    """What both sides keep of a message; nothing of what is in it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)  # the same on both sides
    connection_id = models.UUIDField()  # in the registry: no foreign key crosses compartments
    peer_id = models.UUIDField()
    peer = models.CharField(max_length=40)  # the other tenant's address when it was sent
    key_version = models.PositiveIntegerField()  # of the consumer's sealing key
    size = models.PositiveIntegerField()  # bytes of JSON
    reads_allowed = models.PositiveSmallIntegerField(null=True)  # None: any number until it expires
    reads = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now(), db_index=True)
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)  # first time
    removed_at = models.DateTimeField(null=True)  # when the content went

    expired: bool  # set by queries that ask the database's clock; nobody else's counts

    class Meta:
        abstract = True


class SentMessage(Envelope):
    author = models.CharField(max_length=255)
    refused = models.CharField(max_length=200, blank=True)  # why it could not be delivered

    class Meta:
        db_table = "sent_messages"


class ReceivedMessage(Envelope):
    class Meta:
        db_table = "received_messages"
        indexes: ClassVar = [
            # Receipts stay for good: what is unread is found, and counted, among what still can be read.
            models.Index(
                fields=["expires_at"],
                condition=models.Q(read_at=None, removed_at=None),
                name="received_messages_unread",
            ),
        ]


class SentContent(models.Model):
    """The sealed bytes while they wait for the worker; the provider can't open them either."""

    message = models.OneToOneField(SentMessage, models.CASCADE, primary_key=True, related_name="content")
    sealed = models.BinaryField()

    class Meta:
        db_table = "sent_contents"


class ReceivedContent(models.Model):
    message = models.OneToOneField(ReceivedMessage, models.CASCADE, primary_key=True, related_name="content")
    sealed = models.BinaryField()

    class Meta:
        db_table = "received_contents"
