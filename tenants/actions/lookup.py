"""Finding a value without opening any: digests under a key of the tenant's own.

    tag          HMAC(key, "value", value)                  never stored
    digest       HMAC(key, "place", place of the row, tag)  stored with each version
    fingerprint  HMAC(key, "fingerprint", parameter, value) shown, 8 hexadecimal digits, never stored

A row's own place is part of its digest, so that equal values have digests that can't be told from unequal ones: whoever
reads the table learns nothing. The tag is made once, so that a search costs one short HMAC for each row.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final
from uuid import UUID

from secrets_vault import Place
from tenants.compartment import Compartment
from tenants.provisioning.places import lookup_secret_place
from tenants.records.models import LookupSecret

_FIRST: Final = 1


def lookup_key(compartment: Compartment) -> bytes:
    """Return the tenant's key for digests, made when the first value is stored.

    Raises KeyServiceUnavailable and KeyServiceDenied.
    """
    row = LookupSecret.objects.filter(version=_FIRST).first()
    if row is None:
        sealed = compartment.seal(lookup_secret_place(compartment.tenant.id, _FIRST), secrets.token_bytes(32))
        # Of two first writers one inserts; the other waits for it here, and reads that one's below. Whoever searches is
        # in no transaction: there this could be left sealed under a version that is closed, and would never open.
        with compartment.transaction():
            LookupSecret.objects.bulk_create([LookupSecret(version=_FIRST, sealed=sealed)], ignore_conflicts=True)
        row = LookupSecret.objects.get(version=_FIRST)
    return compartment.open(lookup_secret_place(compartment.tenant.id, _FIRST), bytes(row.sealed))


def tag(key: bytes, value: bytes) -> bytes:
    return hmac.digest(key, b"value\x00" + value, "sha256")


def digest(key: bytes, place: Place, tag: bytes) -> bytes:
    """Return 32 bytes for a value at its place (which is length-prefixed, so that no two inputs read alike)."""
    return hmac.digest(key, b"place\x00" + place.encoded + tag, "sha256")


def fingerprint(key: bytes, parameter_id: UUID, value: bytes) -> str:
    """Return what two versions of one parameter have in common when their values are equal."""
    return hmac.digest(key, b"fingerprint\x00" + parameter_id.bytes + value, "sha256")[:4].hex()
