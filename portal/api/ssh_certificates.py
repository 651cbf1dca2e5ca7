"""SSH certificates: the tenant's authorities, and short-lived certificates that name whoever asks for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from ninja import Query, Router, Status
from pydantic import Field

from portal.api.access import ApiRequest, member, own_build
from portal.api.schemas import PageQuery, Strict, Text, answers
from tenants.actions import ssh_authorities, ssh_certificates
from tenants.records.models import SSHAuthority, SSHCertificate
from tenants.roles import Permission

router = Router(tags=["ssh-certificates"])

Principal = Annotated[Text, Field(min_length=1, max_length=400)]
Network = Annotated[Text, Field(min_length=1, max_length=64)]


class AuthorityOut(Strict):
    """`public` is what a host puts into the file that TrustedUserCAKeys names.

    `signs`: whether certificates are signed by this one now, the oldest that is not retired.
    """

    id: UUID
    public: str
    fingerprint: str
    author: str
    signs: bool
    created_at: datetime
    retired_at: datetime | None


class AuthorityList(Strict):
    items: list[AuthorityOut]


class NewCertificate(Strict):
    public_key: Annotated[Text, Field(min_length=1, max_length=2048, description="One line, as in a .pub file.")]
    principals: Annotated[
        list[Principal], Field(max_length=8, description="Of the caller's own; empty for all of them.")
    ] = Field(default_factory=list)
    ttl: Annotated[
        int, Field(ge=60, le=8 * 3600, description="Seconds that it is valid for; a build's, 900 at most.")
    ] = 900
    source_addresses: Annotated[
        list[Network], Field(max_length=16, description="Networks that it is valid from; empty for any.")
    ] = Field(default_factory=list)


class CertificateOut(Strict):
    serial: int
    key_id: str
    principals: list[str]
    valid_until: datetime


class Issued(CertificateOut):
    """`certificate` is one line, as in a -cert.pub file; `expires_in` are seconds, for whose clock is another."""

    certificate: str
    expires_in: int


class CertificateListed(CertificateOut):
    fingerprint: str
    created_at: datetime


class CertificatePage(Strict):
    items: list[CertificateListed]
    next: str | None


def _authority(row: SSHAuthority, signer: UUID | None) -> AuthorityOut:
    return AuthorityOut(
        id=row.id,
        public=row.public,
        fingerprint=row.fingerprint,
        author=row.author,
        signs=row.id == signer,
        created_at=row.created_at,
        retired_at=row.retired_at,
    )


def _listed(row: SSHCertificate) -> CertificateListed:
    return CertificateListed(
        serial=row.serial,
        key_id=row.key_id,
        principals=row.principals,
        valid_until=row.valid_until,
        fingerprint=row.fingerprint,
        created_at=row.created_at,
    )


@router.get("ssh-authorities", auth=member(Permission.SSH_AUTHORITIES_LIST), response=answers(AuthorityList))
def list_authorities(request: ApiRequest) -> AuthorityList:
    """List the authorities, newest first; of retired ones at most 100. The oldest that is not retired signs."""
    signer = ssh_authorities.signer_of(request.compartment)
    found = ssh_authorities.list_authorities(request.compartment)
    return AuthorityList(items=[_authority(row, signer) for row in found])


@router.post(
    "ssh-authorities", auth=member(Permission.SSH_AUTHORITIES_WRITE), response=answers(AuthorityOut, status=201)
)
def create_authority(request: ApiRequest) -> Status[AuthorityOut]:
    """Make an authority. Beside others it signs when those are retired: let hosts know its public half before."""
    made = ssh_authorities.create_authority(request.compartment)
    return Status(201, _authority(made, ssh_authorities.signer_of(request.compartment)))


@router.post(
    "ssh-authorities/{uuid:authority}/retire",
    auth=member(Permission.SSH_AUTHORITIES_WRITE),
    response=answers(AuthorityOut),
)
def retire_authority(request: ApiRequest, authority: UUID) -> AuthorityOut:
    """Shred an authority's private half; the next oldest signs. Take its public half from the hosts as well."""
    retired = ssh_authorities.retire_authority(request.compartment, authority)
    return _authority(retired, signer=None)


@router.get("ssh-certificates", auth=member(Permission.SSH_AUTHORITIES_LIST), response=answers(CertificatePage))
def list_certificates(request: ApiRequest, page: Query[PageQuery]) -> CertificatePage:
    """List the certificates that were issued, newest first."""
    found = ssh_authorities.list_certificates(request.compartment, page.request())
    return CertificatePage(items=[_listed(row) for row in found.items], next=found.next)


@router.post(
    "ssh-certificates", auth=own_build(Permission.SSH_CERTIFICATES_ISSUE), response=answers(Issued, status=201)
)
def issue_certificate(request: ApiRequest, body: NewCertificate) -> Status[Issued]:
    """Certify the caller's public key. The principals are the caller's own: person and role, or a build's repository.

    Each call is an entry of the tenant's audit log.
    """
    issued = ssh_certificates.issue_certificate(
        request.compartment,
        public_key=body.public_key,
        principals=body.principals,
        life=timedelta(seconds=body.ttl),
        source_addresses=body.source_addresses,
    )
    return Status(
        201,
        Issued(
            certificate=issued.certificate,
            serial=issued.serial,
            key_id=issued.key_id,
            principals=issued.principals,
            valid_until=issued.valid_until,
            expires_in=max(0, int(issued.life.total_seconds())),
        ),
    )
