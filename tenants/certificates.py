"""What a customer holds before its tenant is destroyed, and what it can check the certificate against afterwards.

    notice       before: the tenant, its keys, the end of its log, and the public keys that certificates are signed with
    certificate  after: the same, and when it was destroyed, by which operation and why; a JWS (RFC 7515) by Ed25519

A signing key is derived from BULKHEAD_SECRET_KEY, so that there is none to lose. While that secret is being replaced
(BULKHEAD_SECRET_KEY_PREVIOUS), each certificate is signed with either key: a notice is good for as long as the secret
of its day is one of the two.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from joserfc import jws
from joserfc.jwk import OKPKey

from secrets_vault import derive
from tenants.compartment import Compartment, requires
from tenants.errors import NotFound
from tenants.keyrings import REMEMBERED_SECONDS
from tenants.records.models import AuditRow
from tenants.registry.due import database_now
from tenants.registry.models import Certificate, Tenant, TenantKey
from tenants.roles import Permission

NOTICE: Final = "bulkhead-destruction-notice-1"
CERTIFICATE: Final = "bulkhead-destruction-certificate-1"
TYPE: Final = "bulkhead-destruction+jws"
ALGORITHM: Final = "Ed25519"  # RFC 9864

Document = dict[str, Any]


class Reason(StrEnum):
    """Why a tenant was destroyed, in one of few words: whoever has the certificate's address reads it."""

    CONTRACT_ENDED = "contract-ended"
    CUSTOMER_REQUEST = "customer-request"
    LEGAL_OBLIGATION = "legal-obligation"
    MADE_BY_MISTAKE = "made-by-mistake"

    @property
    def words(self) -> str:
        return self.value.replace("-", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate as it is kept: what it states, and the statement signed with each key in force, by key id."""

    statement: Document
    signed: dict[str, str]


@requires(Permission.AUDIT_LIST)
def notice(compartment: Compartment) -> Document:
    """Return what to keep now in order to verify the certificate of destruction later."""
    tenant = compartment.tenant
    end = AuditRow.objects.order_by("-position")[0]
    return {
        "format": NOTICE,
        "at": instant(database_now()),
        "tenant": tenant_facts(tenant),
        "keys": key_facts(tenant, using="default"),
        "audit": audit_facts(end.position, bytes(end.hash)),
        "certificate": {
            "address": f"{settings.BASE_URL}/certificates/{tenant.id}/",
            "signing_keys": [_public(key) for key in _signing_keys()],
        },
    }


def tenant_facts(tenant: Tenant) -> Document:
    return {"id": str(tenant.id), "slug": tenant.slug, "name": tenant.name, "schema": tenant.schema}


def key_facts(tenant: Tenant, *, using: str) -> list[Document]:
    """Return each version of the tenant's key by its id, which is one-way derived from the key and no secret.

    It is the key's own, whichever key service wraps it and however often, and it stands in each value that is sealed
    under the key. It is stored, so that a certificate states it while no key service answers. None where it was never
    known here: of a version that was retired before the tenant moved here, and of one that an earlier release made,
    until the next rotation.
    """
    return [
        {"version": key.version, "id": None if key.key_id is None else bytes(key.key_id).hex()}
        for key in TenantKey.objects.using(using).filter(tenant=tenant).defer("wrapped").order_by("version")
    ]


def audit_facts(position: int, end: bytes) -> Document:
    return {"position": position, "hash": end.hex()}


def instant(at: datetime) -> str:
    """Return an aware time as RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def issue(tenant: Tenant, facts: Document, *, using: str) -> None:
    """Sign what became of the tenant, and keep it for good."""
    statement = {"format": CERTIFICATE, "tenant": tenant_facts(tenant), **facts}
    statement["unwrapped_keys_forgotten_within_seconds"] = REMEMBERED_SECONDS
    payload = json.dumps(statement, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    signed = "\n".join(_sign(key, payload) for key in _signing_keys())
    Certificate.objects.using(using).create(tenant_id=tenant.id, slug=tenant.slug, document=signed)


def issued(tenant_id: UUID) -> Issued:
    """Return the certificate of a tenant that was destroyed. Raises NotFound: unknown, or not destroyed."""
    row = Certificate.objects.filter(tenant_id=tenant_id).first()
    if row is None:
        raise NotFound
    lines = row.document.split("\n")
    return Issued(_segment(lines[0], 1), {_segment(line, 0)["kid"]: line for line in lines})


def _segment(compact: str, number: int) -> Document:
    """Return the JSON of a segment of a compact JWS that is our own row: who reads it verifies it by other means."""
    text = compact.split(".")[number]
    found: Document = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def _sign(key: OKPKey, payload: bytes) -> str:
    header = {"alg": ALGORITHM, "kid": key.thumbprint(), "typ": TYPE, "jwk": _public(key)}
    return jws.serialize_compact(header, payload, key, algorithms=[ALGORITHM])


def _signing_keys() -> list[OKPKey]:
    """Return the key that BULKHEAD_SECRET_KEY yields, then that of the secret before it, if it is still set."""
    return [_derived(bytes.fromhex(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _derived(secret: bytes) -> OKPKey:
    private = derive(secret, "certificate signing")
    public = Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "d": _encoded(private), "x": _encoded(public)})


def _public(key: OKPKey) -> Document:
    """Return the public half as a JWK (RFC 8037), named by its thumbprint (RFC 7638)."""
    return {**key.as_dict(private=False), "kid": key.thumbprint()}


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
