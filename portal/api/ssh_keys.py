"""SSH keys: made here, listed by their public half; a private half goes to a build's repository alone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Path, Query, Router, Status
from pydantic import Field

from portal import limits
from portal.api.access import ApiRequest, member
from portal.api.schemas import (
    Filters,
    Name,
    PageQuery,
    PublicKey,
    Sealed,
    Strict,
    Text,
    Warned,
    answers,
    filter_pairs,
    filters_of,
    warning_of,
)
from portal.api.sealing import seal_for
from tenants.actions import ssh_keys
from tenants.records.models import SSHKey
from tenants.roles import Permission
from tenants.ssh_formats import Algorithm

router = Router(tags=["ssh-keys"])

AlgorithmName = Annotated[str, Field(pattern="^(ed25519|rsa-4096)$")]
KnownHosts = Annotated[
    Text, Field(max_length=16_384, description="Lines as ssh-keyscan prints them; a build's agent brings them along.")
]


class NewSSHKey(Strict):
    name: Name
    filters: Filters  # without a default: a key for every repository is asked for, not left over
    algorithm: AlgorithmName = Algorithm.ED25519.value
    description: Annotated[Text, Field(max_length=500)] = ""
    known_hosts: KnownHosts = ""


class ImportedSSHKey(Strict):
    """`private_key`: OpenSSH or PEM; under a `passphrase` it is opened once, and stored under the vault's own key."""

    name: Name
    filters: Filters
    private_key: Annotated[Text, Field(min_length=1, max_length=32 * 1024)]
    passphrase: Annotated[Text, Field(max_length=1024)] = ""
    description: Annotated[Text, Field(max_length=500)] = ""
    known_hosts: KnownHosts = ""


class DeletedSSHKey(Strict):
    """`fingerprints`: of all generations, to be taken off hosts."""

    name: str
    fingerprints: list[str]


class ChangedSSHKey(Strict):
    """All of it: what is left out would be a guess."""

    filters: Filters
    description: Annotated[Text, Field(max_length=500)]
    known_hosts: KnownHosts


class Rotation(Strict):
    algorithm: AlgorithmName | None = None  # None: as before


class Retirement(Strict):
    generation: Annotated[int, Field(ge=1, le=1_000_000)]


class SSHKeyOut(Strict):
    """One generation of a key; builds get every one that is not retired."""

    id: UUID
    name: str
    generation: int
    description: str
    kind: str
    bits: int
    fingerprint: str
    comment: str
    passphrase_protected: bool
    public: str
    filters: Filters
    warning: Warned
    known_hosts: str
    created_at: datetime
    used_at: datetime | None
    retired_at: datetime | None


class SSHKeyPage(Strict):
    items: list[SSHKeyOut]
    next: str | None


class SSHKeyGenerations(Strict):
    items: list[SSHKeyOut]


class FetchRequest(Strict):
    key: PublicKey
    repository: Name


class KeysRequest(Strict):
    key: PublicKey


def _spend(request: ApiRequest) -> None:
    """Count a key that is to be made, by whoever asks: pages and API together."""
    limits.spend(request, "ssh-keys", f"account {request.token.person_id}")


def _out(key: SSHKey) -> SSHKeyOut:
    return SSHKeyOut(
        id=key.id,
        name=key.name,
        generation=key.generation,
        description=key.description,
        kind=key.kind,
        bits=key.bits,
        fingerprint=key.fingerprint,
        comment=key.comment,
        passphrase_protected=key.passphrase_protected,
        public=key.public,
        filters=filters_of(key.filters),
        warning=warning_of(key.filters),
        known_hosts=key.known_hosts,
        created_at=key.created_at,
        used_at=key.used_at,
        retired_at=key.retired_at,
    )


@router.get("ssh-keys", auth=member(Permission.SSH_KEYS_LIST), response=answers(SSHKeyPage))
def list_keys(request: ApiRequest, page: Query[PageQuery]) -> SSHKeyPage:
    """List the SSH keys by name, public halves only: of each, the newest generation in use."""
    found = ssh_keys.list_keys(request.compartment, page.request())
    return SSHKeyPage(items=[_out(key) for key in found.items], next=found.next)


@router.post("ssh-keys", auth=member(Permission.SSH_KEYS_WRITE), response=answers(SSHKeyOut, status=201))
def generate_key(request: ApiRequest, body: NewSSHKey) -> Status[SSHKeyOut]:
    """Generate a key, Ed25519 unless a host needs RSA. Its private half is shown to nobody; a build fetches it."""
    _spend(request)
    made = ssh_keys.generate_key(
        request.compartment,
        name=body.name,
        filters=filter_pairs(body.filters),
        algorithm=Algorithm(body.algorithm),
        description=body.description,
        known_hosts=body.known_hosts,
    )
    return Status(201, _out(made))


@router.post("ssh-keys/import", auth=member(Permission.SSH_KEYS_WRITE), response=answers(SSHKeyOut, status=201))
def import_key(request: ApiRequest, body: ImportedSSHKey) -> Status[SSHKeyOut]:
    """Seal a private key that exists already, after a check that says what is wrong with it. It is not given back."""
    _spend(request)
    made = ssh_keys.import_key(
        request.compartment,
        name=body.name,
        filters=filter_pairs(body.filters),
        private_key=body.private_key,
        passphrase=body.passphrase,
        description=body.description,
        known_hosts=body.known_hosts,
    )
    return Status(201, _out(made))


@router.get(
    "ssh-keys/{path:name}/generations", auth=member(Permission.SSH_KEYS_LIST), response=answers(SSHKeyGenerations)
)
def list_generations(request: ApiRequest, name: Path[Name]) -> SSHKeyGenerations:
    """List a key's generations, newest first, retired ones too; at most 100."""
    ssh_keys.get_named(request.compartment, name)
    return SSHKeyGenerations(items=[_out(key) for key in ssh_keys.list_generations(request.compartment, name)])


@router.post("ssh-keys/{path:name}/change", auth=member(Permission.SSH_KEYS_WRITE), response=answers(SSHKeyOut))
def change_key(request: ApiRequest, name: Path[Name], body: ChangedSSHKey) -> SSHKeyOut:
    """Say anew whom a key is for, and which hosts."""
    key = ssh_keys.get_named(request.compartment, name)
    changed = ssh_keys.change_key(
        request.compartment,
        key.id,
        filters=filter_pairs(body.filters),
        description=body.description,
        known_hosts=body.known_hosts,
    )
    return _out(changed)


@router.post(
    "ssh-keys/{path:name}/rotate", auth=member(Permission.SSH_KEYS_WRITE), response=answers(SSHKeyOut, status=201)
)
def rotate_key(request: ApiRequest, name: Path[Name], body: Rotation) -> Status[SSHKeyOut]:
    """Make the key's next generation beside those in use. Builds get all of them until the old ones are retired."""
    key = ssh_keys.get_named(request.compartment, name)
    algorithm = None if body.algorithm is None else Algorithm(body.algorithm)
    _spend(request)
    return Status(201, _out(ssh_keys.rotate_key(request.compartment, key.id, algorithm=algorithm)))


@router.post("ssh-keys/{path:name}/retire", auth=member(Permission.SSH_KEYS_WRITE), response=answers(SSHKeyOut))
def retire_key(request: ApiRequest, name: Path[Name], body: Retirement) -> SSHKeyOut:
    """Shred one generation's private half. The last one in use is not retired."""
    key = ssh_keys.get_named(request.compartment, name, body.generation)
    return _out(ssh_keys.retire_key(request.compartment, key.id))


@router.post("ssh-keys/{path:name}/delete", auth=member(Permission.SSH_KEYS_WRITE), response=answers(DeletedSSHKey))
def delete_key(request: ApiRequest, name: Path[Name]) -> DeletedSSHKey:
    """Shred the private halves of all generations, for good. Take the public halves off the hosts as well."""
    key = ssh_keys.get_named(request.compartment, name)
    return DeletedSSHKey(name=name, fingerprints=ssh_keys.delete_key(request.compartment, key.id))


@router.post("ssh-keys/{path:name}/fetch", auth=member(Permission.SSH_KEYS_REVEAL), response=answers(Sealed))
def fetch_key(request: ApiRequest, name: Path[Name], body: FetchRequest) -> Sealed:
    """Reveal the newest private half of a key whose filters match the repository, sealed to the caller's own key.

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


@router.post("repositories/{path:name}/ssh-keys", auth=member(Permission.SSH_KEYS_REVEAL), response=answers(Sealed))
def fetch_keys(request: ApiRequest, name: Path[Name], body: KeysRequest) -> Sealed:
    """Reveal every key whose filters match the repository, all generations in use, sealed to the caller's key.

    The JWE holds {"tenant", "repository", "keys": [{"name", "generation", "kind", "fingerprint", "known_hosts",
    "private_key": OpenSSH format}]}. Each call is one entry of the tenant's audit log.
    """
    keys = [
        {
            "name": key.name,
            "generation": key.generation,
            "kind": key.kind,
            "fingerprint": key.fingerprint,
            "known_hosts": key.known_hosts,
            "private_key": key.private,
        }
        for key in ssh_keys.reveal_keys(request.compartment, name)
    ]
    return seal_for(body.key, {"tenant": request.compartment.tenant.slug, "repository": name, "keys": keys})
