"""Keys that live in the compartment, each sealed under the tenant's key, and how often that key was used."""

from __future__ import annotations

from typing import Final

from django.db import connections, models
from django.db.models.functions import Now

_COUNT: Final = """\
INSERT INTO key_uses (version, uses) VALUES (%s, %s)
ON CONFLICT (version) DO UPDATE SET uses = key_uses.uses + excluded.uses WHERE key_uses.closed_at IS NULL"""


class SealingSecret(models.Model):
    """A private half that messages for this tenant are opened with."""

    version = models.PositiveIntegerField(primary_key=True)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "sealing_secrets"


class LookupSecret(models.Model):
    """The key under which digests of values are made, so that a value can be found without opening all."""

    version = models.PositiveIntegerField(primary_key=True)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "lookup_secrets"


class KeyUse(models.Model):
    """How many item keys each version of the tenant's key has wrapped, counted in the transaction that stores them."""

    version = models.PositiveIntegerField(primary_key=True)
    uses = models.BigIntegerField(default=0)
    closed_at = models.DateTimeField(null=True)  # from then on nothing can be stored under this version

    class Meta:
        db_table = "key_uses"


def count_uses(alias: str, version: int, uses: int) -> bool:
    """Count that a version of the tenant's key wrapped item keys; False, and nothing counted, if it is closed."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_COUNT, [version, uses])
        return bool(cursor.rowcount)
