"""SSH keys: made or imported here, listed by their public half, rotated by a new generation beside the old."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now

from tenants import ssh_formats, validation
from tenants.actions.audit import record
from tenants.actions.rows import fetch, unique
from tenants.actions.ssh_key_reveal import RevealedKey, place_of, reveal_key, reveal_keys
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid
from tenants.limits import Thing, ask_for, hold
from tenants.pagination import Page, PageRequest, by_name
from tenants.records.labels import Pair, stored_filters
from tenants.records.models import SSHKey
from tenants.roles import Permission
from tenants.ssh_formats import Algorithm, KeyPair

__all__ = [
    "RevealedKey",
    "change_key",
    "delete_key",
    "generate_key",
    "get_key",
    "get_named",
    "import_key",
    "list_generations",
    "list_keys",
    "retire_key",
    "reveal_key",
    "reveal_keys",
    "rotate_key",
]

MAX_GENERATIONS: Final = 100  # that are looked at; a key is not rotated more often while it is the same
MAX_LIVE: Final = 4  # an agent offers every one of them, and servers hang up after six

_TAKEN: Final = "An SSH key of this name exists already."


@requires(Permission.SSH_KEYS_LIST)
def list_keys(compartment: Compartment, page: PageRequest) -> Page[SSHKey]:
    """Return each key's newest generation that is not retired, with `live`: how many there are."""
    of_name = SSHKey.objects.filter(name=OuterRef("name"), retired_at=None)
    live = of_name.order_by().values("name").annotate(live=Count("id")).values("live")
    newest = _shown().filter(~Exists(of_name.filter(generation__gt=OuterRef("generation"))), retired_at=None)
    return by_name(newest.annotate(live=Subquery(live)), page)


@requires(Permission.SSH_KEYS_LIST)
def get_key(compartment: Compartment, key_id: UUID) -> SSHKey:
    return fetch(_shown(), id=key_id)


@requires(Permission.SSH_KEYS_LIST)
def get_named(compartment: Compartment, name: str, generation: int | None = None) -> SSHKey:
    """Return this generation of a key; without a number, the newest that is not retired."""
    which = {"retired_at": None} if generation is None else {"generation": generation}
    return fetch(_shown().order_by("-generation"), name=name, **which)


@requires(Permission.SSH_KEYS_LIST)
def list_generations(compartment: Compartment, name: str) -> list[SSHKey]:
    """Return the generations of a key, newest first, retired ones too."""
    return list(_shown().filter(name=name).order_by("-generation")[:MAX_GENERATIONS])


@requires(Permission.SSH_KEYS_WRITE)
def generate_key(
    compartment: Compartment,
    *,
    name: str,
    filters: Sequence[Sequence[Pair]],
    algorithm: Algorithm = Algorithm.ED25519,
    description: str = "",
    known_hosts: str = "",
) -> SSHKey:
    """Make a key whose private half nobody has seen."""
    key = _described(name, filters, description, known_hosts)
    _ask(compartment, key.name)
    return _store(compartment, key, ssh_formats.generate(key.name, algorithm), "ssh_key.generated")


@requires(Permission.SSH_KEYS_WRITE)
def import_key(
    compartment: Compartment,
    *,
    name: str,
    filters: Sequence[Sequence[Pair]],
    private_key: str,
    passphrase: str = "",
    description: str = "",
    known_hosts: str = "",
) -> SSHKey:
    """Take an OpenSSH or PEM private key; one under a passphrase is stored without it, under the vault's own key."""
    key = _described(name, filters, description, known_hosts)
    _ask(compartment, key.name)
    return _store(compartment, key, ssh_formats.read(private_key, passphrase), "ssh_key.imported")


@requires(Permission.SSH_KEYS_WRITE)
def change_key(
    compartment: Compartment, key_id: UUID, *, filters: Sequence[Sequence[Pair]], description: str, known_hosts: str
) -> SSHKey:
    """Change whom a key is for and where; its generations that are not retired change together."""
    with compartment.transaction():
        named = fetch(_shown(), id=key_id)
        wanted = _described(named.name, filters, description, known_hosts)
        generations = _locked(key_id)
        before = {f"{name}_before": value for name, value in _reach(generations[0]).items()}
        for key in generations:
            if key.retired_at is None:
                key.filters, key.description, key.known_hosts = wanted.filters, wanted.description, wanted.known_hosts
                key.save(update_fields=["filters", "description", "known_hosts"])
        record(compartment, "ssh_key.changed", named.name, id=str(key_id), **_reach(wanted), **before)
    return fetch(_shown(), id=key_id)


@requires(Permission.SSH_KEYS_WRITE)
def rotate_key(compartment: Compartment, key_id: UUID, *, algorithm: Algorithm | None = None) -> SSHKey:
    """Make the next generation beside those there are; builds get all of them until the old are retired.

    It is of the same algorithm, Ed25519 where that can't be made here.
    """
    named = fetch(_shown(), id=key_id)
    like = Algorithm.RSA_4096 if named.kind == "ssh-rsa" else Algorithm.ED25519
    _room(_shown().filter(name=named.name, retired_at=None).count())
    pair = ssh_formats.generate(named.name, algorithm or like)  # before anything is locked: RSA takes its seconds
    with unique("name", "This key is being rotated at this moment."), compartment.transaction():
        generations = _locked(key_id)
        live = [key for key in generations if key.retired_at is None]
        _room(len(live))
        newest = live[0]
        made = SSHKey(
            name=newest.name,
            generation=generations[0].generation + 1,
            description=newest.description,
            filters=newest.filters,
            known_hosts=newest.known_hosts,
        )
        _seal(compartment, made, pair)
        made.save(force_insert=True)
        record(compartment, "ssh_key.rotated", made.name, **_which(made))
    return made


@requires(Permission.SSH_KEYS_WRITE)
def retire_key(compartment: Compartment, key_id: UUID) -> SSHKey:
    """Shred one generation's private half; its public half stays to be found. The last in use is deleted instead."""
    with compartment.transaction():
        generations = _locked(key_id)
        key = next(key for key in generations if key.id == key_id)
        if key.retired_at is not None:
            raise Invalid({"name": "This generation is retired already."})
        if not any(other.retired_at is None for other in generations if other.id != key_id):
            raise Invalid({"name": "Builds use no other generation: rotate the key first, or delete it."})
        SSHKey.objects.filter(id=key_id).update(sealed=None, retired_at=Now())
        record(compartment, "ssh_key.retired", key.name, **_which(key))
    return fetch(_shown(), id=key_id)


@requires(Permission.SSH_KEYS_WRITE)
def delete_key(compartment: Compartment, key_id: UUID) -> list[str]:
    """Delete a key with all its generations; return their fingerprints."""
    with compartment.transaction():
        generations = _locked(key_id)
        SSHKey.objects.filter(id__in=[key.id for key in generations]).delete()
        fingerprints = [key.fingerprint for key in generations]
        record(compartment, "ssh_key.deleted", generations[0].name, id=str(key_id), fingerprints=fingerprints)
    return fingerprints


def _shown() -> QuerySet[SSHKey]:
    return SSHKey.objects.defer("sealed")


def _locked(key_id: UUID) -> list[SSHKey]:
    """Lock the generations of the key that `key_id` is one of; newest first. Raises NotFound."""
    named = SSHKey.objects.filter(id=key_id).values("name")
    found = list(_shown().filter(name__in=named).select_for_update().order_by("-generation"))
    return found or [fetch(_shown(), id=key_id)]


def _which(key: SSHKey) -> dict[str, str | int]:
    return {"id": str(key.id), "fingerprint": key.fingerprint, "generation": key.generation}


def _reach(key: SSHKey) -> dict[str, list[str] | int]:
    """Return what the log tells of whom a key is for, and of how many hosts it comes with."""
    filters = [", ".join(alternative) for alternative in key.filters]
    return {"filters": filters, "known_hosts": len(key.known_hosts.splitlines())}


def _described(name: str, filters: Sequence[Sequence[Pair]], description: str, known_hosts: str) -> SSHKey:
    """Return an unsaved key that says for whom and what it is. Raises Invalid."""
    return SSHKey(
        name=validation.name(name),
        description=validation.remark(description),
        filters=stored_filters(validation.filters(filters)),
        known_hosts=ssh_formats.known_hosts(known_hosts),
        generation=1,
    )


def _ask(compartment: Compartment, name: str) -> None:
    """Refuse what is to be refused before a key costs its seconds; what stores it has the last word."""
    if SSHKey.objects.filter(name=name).exists():
        raise Invalid({"name": _TAKEN})
    ask_for(compartment, Thing.SSH_KEYS)


def _room(live: int) -> None:
    if live >= MAX_LIVE:
        raise Invalid({"name": f"There are {live} generations in use: retire the old ones first."})


def _store(compartment: Compartment, key: SSHKey, pair: KeyPair, action: str) -> SSHKey:
    _seal(compartment, key, pair)
    with unique("name", _TAKEN), compartment.transaction():
        key.save(force_insert=True)
        record(compartment, action, key.name, kind=pair.kind, **_which(key), **_reach(key))
        hold(compartment, Thing.SSH_KEYS)
    return key


def _seal(compartment: Compartment, key: SSHKey, pair: KeyPair) -> None:
    """Set what is shown of the pair, and its private half, sealed."""
    key.kind, key.bits, key.fingerprint = pair.kind, pair.bits, pair.fingerprint
    key.comment, key.public, key.passphrase_protected = pair.comment, pair.public, pair.passphrase_protected
    key.author = compartment.actor.label
    key.sealed = compartment.seal(place_of(compartment, key.id), pair.private)
