"""Builds: one run of a repository, with a key and a token of its own that open what is that build's and nothing else.

The key is sealed in the build's row and travels wrapped in its start event; ending the build sets it to NULL, and what
the trigger sent with it. The token is checked against the build's row at each use, in the query itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from secrets_vault import Place, same_value
from tenants import limits, validation
from tenants.actions.audit import record
from tenants.actions.build_environment import BuildEnvironment, encrypt, environment_of, ssh_keys_of
from tenants.actions.rows import fetch
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid, NotFound
from tenants.pagination import Page, PageRequest, newest_first
from tenants.records.audit import Acts, about_build
from tenants.records.models import Build, Repository
from tenants.registry.due import Due, announce, database_now
from tenants.registry.models import AccessToken
from tenants.roles import Permission

KEY_BYTES: Final = 32
MIN_TTL: Final = 60
MAX_TTL: Final = 24 * 3600
MAX_OVERRIDES: Final = 200
ENVIRONMENT_TYPE: Final = "bulkhead-environment+jwe"
SSH_KEYS_TYPE: Final = "bulkhead-ssh-keys+jwe"
ENDINGS: Final = (Build.Outcome.SUCCEEDED, Build.Outcome.FAILED, Build.Outcome.CANCELLED)


@dataclass(frozen=True, slots=True)
class Started:
    """A build that runs: what its start event says. Without the build's token the key in `enc` opens nowhere."""

    build: Build
    token: AccessToken
    enc: bytes = field(repr=False)
    environment: str = field(repr=False)  # JWE under the build's key


@requires(Permission.BUILDS_START)
def start_build(
    compartment: Compartment, *, repository: str, revision: str, overrides: Mapping[str, str], ttl: int
) -> Started:
    """Start a build of a repository by name, which ends after `ttl` seconds at the latest. Raises Invalid, NotFound."""
    own = _checked(overrides)
    if not MIN_TTL <= ttl <= MAX_TTL:
        raise Invalid({"ttl": f"Enter {MIN_TTL} to {MAX_TTL} seconds."})
    revised = validation.title(revision, "revision") if revision else ""
    found = fetch(Repository.objects.all(), name=repository)
    build = Build(
        repository=found,
        repository_name=found.name,
        revision=revised,
        person_id=compartment.actor.require_person(),
        started_by=compartment.actor.label,
        ends_by=database_now() + timedelta(seconds=ttl),
        override_names=sorted(own),
    )
    limits.ask(compartment, "build.started")
    key = os.urandom(KEY_BYTES)
    build.sealed_key = compartment.seal(_key_place(compartment, build.id), key)
    if own:
        build.sealed_overrides = compartment.seal(_overrides_place(compartment, build.id), json.dumps(own).encode())
    token = _issue(compartment, build)
    environment = _begin(compartment, build, own)
    return Started(build, token, build.sealed_key, _sealed(compartment, build, key, environment))


@requires(Permission.BUILDS_USE)
def open_key(compartment: Compartment, enc: bytes) -> bytes:
    """Unwrap the key of the token's own build, which must run and be what `enc` wraps. The log says so first."""
    with compartment.transaction(durable=True):
        build = _running(compartment, compartment.actor.build_id)
        key = _key(compartment, build)
        # A rewrap in the meantime changed the wrapping in the row, never the value; it stands for its place.
        if not same_value(enc, bytes(build.sealed_key or b"")):
            raise NotFound
        record(compartment, "build.key_opened", build.repository_name)
    return key


@requires(Permission.BUILDS_USE)
def own_environment(compartment: Compartment, build_id: UUID) -> str:
    """Return the environment of the token's own build as it is now: a JWE under the build's key."""
    with compartment.transaction(durable=True):
        build = _running(compartment, build_id)
        environment = environment_of(compartment, build.id, _stored_overrides(compartment, build))
        names = sorted(environment.values)
        record(compartment, "build.environment_revealed", build.repository_name, names=names)
    return _sealed(compartment, build, _key(compartment, build), environment)


@requires(Permission.BUILDS_USE)
def own_ssh_keys(compartment: Compartment, build_id: UUID) -> str:
    """Return the SSH keys that the token's own build reaches: a JWE under the build's key."""
    with compartment.transaction(durable=True):
        build = _running(compartment, build_id)
        keys = list(ssh_keys_of(compartment, build.id))
        names = [key["name"] for key in keys]
        record(compartment, "build.ssh_keys_revealed", build.repository_name, names=names)
    content = {"tenant": compartment.tenant.slug, "build": str(build.id), "keys": keys}
    return encrypt(_key(compartment, build), build.id, SSH_KEYS_TYPE, content)


@requires(Permission.BUILDS_END)
def end_build(compartment: Compartment, build_id: UUID, *, outcome: str) -> Build:
    """End a build: its key and the trigger's parameters are shredded, its token dies. A build ends itself alone."""
    if outcome not in ENDINGS:
        raise Invalid({"outcome": "Use succeeded, failed or cancelled."})
    with compartment.transaction():
        build = fetch(_own(compartment).select_for_update(), id=build_id)
        if build.outcome != Build.Outcome.RUNNING:
            raise Invalid({"outcome": "This build has ended already."})
        end(compartment, build, Build.Outcome(outcome))
    revoke([build])
    return build


@requires(Permission.BUILDS_LIST)
def list_builds(compartment: Compartment, page: PageRequest) -> Page[Build]:
    """Return the builds, newest first, without anything sealed."""
    return newest_first(_shown(), page, by="started_at")


@requires(Permission.BUILDS_LIST)
def get_build(compartment: Compartment, build_id: UUID) -> Build:
    return fetch(_shown(), id=build_id)


@requires(Permission.AUDIT_LIST)
def acts_of_build(compartment: Compartment, build: Build) -> Acts:
    """Return the log's first entries of a build and about it, oldest first, looked for from its start."""
    return about_build(compartment.alias, build.id, build.started_at, build.ended_at)


def end(compartment: Compartment, build: Build, outcome: Build.Outcome) -> None:
    """Write that a build, whose row the caller holds in a transaction, has ended, and shred what was sealed for it."""
    build.outcome, build.ended_at = outcome, database_now()
    build.sealed_key = build.sealed_overrides = None
    build.save(update_fields=["outcome", "ended_at", "sealed_key", "sealed_overrides"])
    record(compartment, "build.ended", build.repository_name, build=str(build.id), outcome=outcome.value)


def end_overdue(compartment: Compartment, build_id: UUID) -> datetime | None:
    """End a build whose time is up; return when to look again if it is not. For the worker. Raises NotFound."""
    with compartment.transaction():
        build = fetch(Build.objects.select_for_update(), id=build_id)
        if build.outcome != Build.Outcome.RUNNING:
            return None
        if build.ends_by > database_now():
            return build.ends_by
        end(compartment, build, Build.Outcome.TIMED_OUT)
    return None


def end_builds_of(compartment: Compartment, repository: Repository) -> list[Build]:
    """End what runs of a repository that is about to be deleted, in the caller's transaction; return it."""
    running = Build.objects.select_for_update().filter(repository=repository, outcome=Build.Outcome.RUNNING)
    builds = list(running)
    for build in builds:
        end(compartment, build, Build.Outcome.CANCELLED)
    return builds


def revoke(ended: Sequence[Build]) -> None:
    """End the tokens of builds that have ended; the build's own row refuses them already."""
    if ended:
        tokens_of(ended).filter(revoked_at=None).update(revoked_at=Now())


def tokens_of(builds: Sequence[Build]) -> QuerySet[AccessToken]:
    """Find them by when they expire, which is indexed: the registry keeps all tenants' for months."""
    return AccessToken.objects.filter(
        expires_at__in=[build.ends_by for build in builds], build_id__in=[build.id for build in builds]
    )


def _issue(compartment: Compartment, build: Build) -> AccessToken:
    """Write the hint that the build ends one day, and its token, before the build: neither means anything without."""
    token = AccessToken(
        person_id=compartment.actor.require_person(),
        tenant=compartment.tenant,
        build_id=build.id,
        name=f"build {build.id}",
        address=compartment.actor.address or None,
        expires_at=build.ends_by,
    )
    with transaction.atomic():
        announce([(compartment.tenant.id, Due.Kind.END_BUILD, build.id, build.ends_by)])
        token.save(force_insert=True)
    return token


def _begin(compartment: Compartment, build: Build, overrides: Mapping[str, str]) -> BuildEnvironment:
    try:
        with compartment.transaction(durable=True):
            build.save(force_insert=True)
            environment = environment_of(compartment, build.id, overrides)
            record(
                compartment,
                "build.started",
                build.repository_name,
                build=str(build.id),
                revision=build.revision,
                names=sorted(environment.values),
                overrides=environment.overridden,
            )
    except IntegrityError:  # the repository was deleted meanwhile
        raise NotFound from None
    return environment


def _sealed(compartment: Compartment, build: Build, key: bytes, environment: BuildEnvironment) -> str:
    content = {
        "tenant": compartment.tenant.slug,
        "build": str(build.id),
        "repository": build.repository_name,
        "values": environment.values,
        "conflicts": environment.conflicts,
        "overridden": environment.overridden,
        "files": environment.files,
        "expires_on": {name: day.isoformat() for name, day in environment.expires_on.items()},
    }
    return encrypt(key, build.id, ENVIRONMENT_TYPE, content)


def _own(compartment: Compartment) -> QuerySet[Build]:
    """Return the builds that the caller may speak of: a build's token, of that build; a person, of all."""
    own = compartment.actor.build_id
    return Build.objects.all() if own is None else Build.objects.filter(id=own)


def _running(compartment: Compartment, build_id: UUID | None) -> Build:
    """Return the token's own build, locked, while it runs. Raises NotFound for any other, and for a person."""
    own = compartment.actor.build_id
    if own is None:
        raise NotFound
    rows = Build.objects.select_for_update().filter(id=own, outcome=Build.Outcome.RUNNING, ends_by__gt=Now())
    return fetch(rows, id=build_id)


def _shown() -> QuerySet[Build]:
    return Build.objects.defer("sealed_key", "sealed_overrides")


def _key(compartment: Compartment, build: Build) -> bytes:
    return compartment.open(_key_place(compartment, build.id), bytes(build.sealed_key or b""))


def _stored_overrides(compartment: Compartment, build: Build) -> dict[str, str]:
    if build.sealed_overrides is None:
        return {}
    opened = compartment.open(_overrides_place(compartment, build.id), bytes(build.sealed_overrides))
    return dict(json.loads(opened))


def _checked(overrides: Mapping[str, str]) -> dict[str, str]:
    if len(overrides) > MAX_OVERRIDES:
        raise Invalid({"overrides": f"Send at most {MAX_OVERRIDES} parameters."})
    return {
        validation.variable(name, "overrides"): validation.parameter_value(value, "overrides").decode()
        for name, value in overrides.items()
    }


def _key_place(compartment: Compartment, build_id: UUID) -> Place:
    return compartment.place("builds.sealed_key", build_id, 1)


def _overrides_place(compartment: Compartment, build_id: UUID) -> Place:
    return compartment.place("builds.sealed_overrides", build_id, 1)
