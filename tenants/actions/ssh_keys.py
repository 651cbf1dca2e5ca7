"""SSH keys: made or imported here, listed by their public half, opened only for a build's repository."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from secrets_vault import Place
from tenants import ssh_formats, validation
from tenants.actions.audit import record
from tenants.actions.rows import fetch, unique
from tenants.compartment import Compartment, requires
from tenants.pagination import Page, PageRequest, by_name
from tenants.records.labels import Pair, ssh_key_matches, stored_filters
from tenants.records.models import Repository, SSHKey
from tenants.roles import Permission
from tenants.ssh_formats import KeyPair


@requires(Permission.SSH_KEYS_LIST)
def list_keys(compartment: Compartment, page: PageRequest) -> Page[SSHKey]:
    return by_name(SSHKey.objects.defer("sealed"), page)


@requires(Permission.SSH_KEYS_LIST)
def get_key(compartment: Compartment, key_id: UUID) -> SSHKey:
    return fetch(SSHKey.objects.defer("sealed"), id=key_id)


@requires(Permission.SSH_KEYS_WRITE)
def generate_key(compartment: Compartment, *, name: str, filters: Sequence[Sequence[Pair]]) -> SSHKey:
    """Make an Ed25519 key whose private half nobody has seen."""
    checked = validation.name(name)
    return _store(compartment, checked, filters, ssh_formats.generate(comment=checked), "ssh_key.generated")


@requires(Permission.SSH_KEYS_WRITE)
def import_key(
    compartment: Compartment, *, name: str, filters: Sequence[Sequence[Pair]], private_key: str, passphrase: str = ""
) -> SSHKey:
    """Take an OpenSSH or PEM private key; one under a passphrase is stored without it, under the vault's own key."""
    checked = validation.name(name)
    return _store(compartment, checked, filters, ssh_formats.read(private_key, passphrase), "ssh_key.imported")


@requires(Permission.SSH_KEYS_WRITE)
def delete_key(compartment: Compartment, key_id: UUID) -> None:
    with compartment.transaction():
        key = fetch(SSHKey.objects.select_for_update(), id=key_id)
        key.delete()
        record(compartment, "ssh_key.deleted", key.name, fingerprint=key.fingerprint)


@requires(Permission.SSH_KEYS_REVEAL)
def reveal_key(compartment: Compartment, repository_name: str, key_name: str) -> str:
    """Return the private half, OpenSSH format, if the repository's labels reach it. The log says so first."""
    repository = fetch(Repository.objects.all(), name=repository_name)
    reached = SSHKey.objects.filter(ssh_key_matches(repository.labels), retired_at=None).order_by("-generation")
    key = fetch(reached, name=key_name)
    private = compartment.open(_place(compartment, key.id), bytes(key.sealed or b""))
    with compartment.transaction(durable=True):
        record(compartment, "ssh_key.revealed", key.name, repository=repository_name, fingerprint=key.fingerprint)
    return private.decode()


def _store(
    compartment: Compartment, name: str, filters: Sequence[Sequence[Pair]], pair: KeyPair, action: str
) -> SSHKey:
    key = SSHKey(
        name=name,
        kind=pair.kind,
        bits=pair.bits,
        fingerprint=pair.fingerprint,
        comment=pair.comment,
        public=pair.public,
        passphrase_protected=pair.passphrase_protected,
        filters=stored_filters(validation.filters(filters)),
        author=compartment.actor.label,
    )
    key.sealed = compartment.seal(_place(compartment, key.id), pair.private)
    with unique("name", "An SSH key of this name exists already."), compartment.transaction():
        key.save(force_insert=True)
        record(compartment, action, name, fingerprint=pair.fingerprint, kind=pair.kind)
    return key


def _place(compartment: Compartment, key_id: UUID) -> Place:
    return compartment.place("ssh_keys.sealed", key_id, 1)
