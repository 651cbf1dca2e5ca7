"""Every column that holds something under the tenant's key: what a rotation has to visit, declared here alone.

A sealed value is bound to its place: the column's purpose, an item and a version of it. `item` and `version` say which
columns of the row those are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import models

from tenants.records.builds import Build
from tenants.records.keys import LookupSecret, SealingSecret
from tenants.records.parameters import ParameterVersion
from tenants.records.ssh_keys import SSHAuthority, SSHKey


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values; `version` None means that the row has one value in its life, of version 1."""

    model: type[models.Model]
    column: str
    item: str
    version: str | None = None

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def purpose(self) -> str:
        return f"{self.table}.{self.column}"

    @property
    def key(self) -> str:
        """The primary key's column, by which the table is walked."""
        return str(self.model._meta.pk.column)


SEALED: Final = (
    SealedColumn(SealingSecret, "sealed", item="version", version="version"),
    SealedColumn(LookupSecret, "sealed", item="version", version="version"),
    SealedColumn(ParameterVersion, "sealed", item="parameter_id", version="version"),
    SealedColumn(SSHKey, "sealed", item="id"),
    SealedColumn(SSHAuthority, "sealed", item="id"),
    SealedColumn(Build, "sealed_key", item="id"),
    SealedColumn(Build, "sealed_overrides", item="id"),
)

# Bytes that no tenant key is over, and what they are instead.
NOT_SEALED: Final[Mapping[str, str]] = {
    "audit.previous": "a hash of the chain",
    "audit.hash": "a hash of the chain",
    "audit_head.hash": "a hash of the chain",
    "parameter_versions.digest": "an HMAC under the lookup key",
    "sent_contents.sealed": "sealed to the consumer's public key",
    "received_contents.sealed": "sealed to this tenant's public key, whose private half is in sealing_secrets",
}
