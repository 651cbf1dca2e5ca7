"""Giving out private halves: to a build's repository, which the key's filters have to reach, after the log says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db.models.functions import Now

from secrets_vault import Place
from tenants.actions.audit import record
from tenants.actions.rows import fetch
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid, NotFound
from tenants.records.labels import ssh_key_reaches
from tenants.records.models import Repository, SSHKey
from tenants.roles import Permission

MAX_IN_REACH: Final = 100


@dataclass(frozen=True, slots=True)
class RevealedKey:
    """A private key in OpenSSH format, and the lines by which to know the hosts that it is for."""

    name: str
    generation: int
    kind: str
    fingerprint: str
    known_hosts: str
    private: str = field(repr=False)


@requires(Permission.SSH_KEYS_REVEAL)
def reveal_key(compartment: Compartment, repository_name: str, key_name: str) -> str:
    """Return the newest private half, OpenSSH format, if the repository's labels reach it. The log says so first."""
    reached = SSHKey.objects.filter(ssh_key_reaches(repository_name), retired_at=None).order_by("-generation")
    key = fetch(reached, name=key_name)
    [revealed] = _reveal(compartment, repository_name, key.name, [key])
    return revealed.private


@requires(Permission.SSH_KEYS_REVEAL)
def reveal_keys(compartment: Compartment, repository_name: str) -> list[RevealedKey]:
    """Return every key that the repository's labels reach, by name, all generations in use, newest first.

    Raises NotFound (no such repository) and Invalid (more keys than any server would try).
    """
    reached = SSHKey.objects.filter(ssh_key_reaches(repository_name), retired_at=None)
    keys = list(reached.order_by("name", "-generation")[: MAX_IN_REACH + 1])
    if len(keys) > MAX_IN_REACH:
        raise Invalid({"repository": f"More than {MAX_IN_REACH} keys match this repository: narrow their filters."})
    if keys:
        return _reveal(compartment, repository_name, repository_name, keys)
    if not Repository.objects.filter(name=repository_name).exists():
        raise NotFound
    return []


def place_of(compartment: Compartment, key_id: UUID) -> Place:
    """Return where a private half lives. A generation is a row of its own, so its version never changes."""
    return compartment.place("ssh_keys.sealed", key_id, 1)


def _reveal(compartment: Compartment, repository: str, subject: str, keys: Sequence[SSHKey]) -> list[RevealedKey]:
    opened = [_opened(compartment, key) for key in keys]
    # What another reader holds at this moment has been used at this moment: nobody waits for that.
    mine = SSHKey.objects.filter(id__in=[key.id for key in keys]).select_for_update(skip_locked=True)
    with compartment.transaction(durable=True):
        SSHKey.objects.filter(id__in=mine.values("id")).update(used_at=Now())
        record(
            compartment,
            "ssh_key.revealed",
            subject,
            repository=repository,
            names=sorted({key.name for key in keys}),
            fingerprints=[key.fingerprint for key in keys],
        )
    return opened


def _opened(compartment: Compartment, key: SSHKey) -> RevealedKey:
    private = compartment.open(place_of(compartment, key.id), bytes(key.sealed or b""))
    return RevealedKey(key.name, key.generation, key.kind, key.fingerprint, key.known_hosts, private.decode())
