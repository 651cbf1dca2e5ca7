"""SSH keys: made here, listed by their public half; a private half goes to a build's repository alone."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from ninja import Path, Query, Router, Status

from portal.api.access import ApiRequest, member
from portal.api.schemas import (
    Filters,
    Name,
    PageQuery,
    PublicKey,
    Sealed,
    Strict,
    answers,
    filter_pairs,
    filters_of,
)
from portal.api.sealing import seal_for
from tenants.actions import ssh_keys
from tenants.records.models import SSHKey
from tenants.roles import Permission

router = Router(tags=["ssh-keys"])


class NewSSHKey(Strict):
    name: Name
    filters: Filters  # without a default: a key for every repository is asked for, not left over


class SSHKeyOut(Strict):
    id: UUID
    name: str
    kind: str
    bits: int
    fingerprint: str
    public: str
    filters: Filters
    created_at: datetime


class SSHKeyPage(Strict):
    items: list[SSHKeyOut]
    next: str | None


class FetchRequest(Strict):
    key: PublicKey
    repository: Name


def _out(key: SSHKey) -> SSHKeyOut:
    return SSHKeyOut(
        id=key.id,
        name=key.name,
        kind=key.kind,
        bits=key.bits,
        fingerprint=key.fingerprint,
        public=key.public,
        filters=filters_of(key.filters),
        created_at=key.created_at,
    )


@router.get("ssh-keys", auth=member(Permission.SSH_KEYS_LIST), response=answers(SSHKeyPage))
def list_keys(request: ApiRequest, page: Query[PageQuery]) -> SSHKeyPage:
    """List the SSH keys by name, public halves only."""
    found = ssh_keys.list_keys(request.compartment, page.request())
    return SSHKeyPage(items=[_out(key) for key in found.items], next=found.next)


@router.post("ssh-keys", auth=member(Permission.SSH_KEYS_WRITE), response=answers(SSHKeyOut, status=201))
def generate_key(request: ApiRequest, body: NewSSHKey) -> Status[SSHKeyOut]:
    """Generate an Ed25519 key. Its private half is shown to nobody; a build fetches it."""
    made = ssh_keys.generate_key(request.compartment, name=body.name, filters=filter_pairs(body.filters))
    return Status(201, _out(made))


@router.post("ssh-keys/{path:name}/fetch", auth=member(Permission.SSH_KEYS_REVEAL), response=answers(Sealed))
def fetch_key(request: ApiRequest, name: Path[Name], body: FetchRequest) -> Sealed:
    """Reveal the private half of a key whose filters match the repository, sealed to the caller's ephemeral key.

    The JWE holds {"tenant", "name", "repository", "private_key": OpenSSH format}. Each call is an entry of the
    tenant's audit log.
    """
    private = ssh_keys.reveal_key(request.compartment, body.repository, name)
    content = {
        "tenant": request.compartment.tenant.slug,
        "name": name,
        "repository": body.repository,
        "private_key": private,
    }
    return seal_for(body.key, content)
