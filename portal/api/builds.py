"""Builds: started by people, ended by whoever may, and what a build's own token can ask for."""

from __future__ import annotations

import time
from base64 import b64encode
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from ninja import Query, Router, Status
from pydantic import Field

from portal.api.access import ApiRequest, member, own_build, tokens
from portal.api.schemas import Name, PageQuery, PublicKey, Sealed, Strict, Text, answers
from portal.api.sealing import seal_for
from portal.pages.events import BUILD_STARTED, BuildStarted
from portal.tokens import Claims
from tenants.actions import builds
from tenants.actions.builds import Started
from tenants.records.models import Build
from tenants.registry.models import AccessToken
from tenants.roles import Permission
from tenants.validation import MAX_VALUE_BYTES

MAX_BODY: Final = 512 * 1024

router = Router(tags=["builds"])


class NewBuild(Strict):
    key: PublicKey
    repository: Name
    revision: Annotated[Text, Field(max_length=100)] = ""
    overrides: Annotated[
        dict[Name, Annotated[Text, Field(max_length=MAX_VALUE_BYTES)]],
        Field(max_length=builds.MAX_OVERRIDES, description="Ad-hoc parameters; they override stored ones."),
    ] = Field(default_factory=dict)
    ttl: Annotated[int, Field(description="Seconds after which the build is ended if nobody ended it.")] = 3600


class StartedOut(Strict):
    event: BuildStarted
    token: Sealed


class Ending(Strict):
    outcome: Literal["succeeded", "failed", "cancelled"]


class BuildOut(Strict):
    id: UUID
    repository: str
    revision: str
    outcome: str
    started_by: str
    started_at: datetime
    ends_by: datetime
    ended_at: datetime | None
    overrides: list[str]


class BuildPage(Strict):
    items: list[BuildOut]
    next: str | None


def _out(build: Build) -> BuildOut:
    return BuildOut(
        id=build.id,
        repository=build.repository_name,
        revision=build.revision,
        outcome=build.outcome,
        started_by=build.started_by,
        started_at=build.started_at,
        ends_by=build.ends_by,
        ended_at=build.ended_at,
        overrides=build.override_names,
    )


@router.get("builds", auth=member(Permission.BUILDS_LIST), response=answers(BuildPage))
def list_builds(request: ApiRequest, page: Query[PageQuery]) -> BuildPage:
    """List the builds, newest first; names, never values."""
    found = builds.list_builds(request.compartment, page.request())
    return BuildPage(items=[_out(build) for build in found.items], next=found.next)


@router.post("builds", auth=member(Permission.BUILDS_START, body=MAX_BODY), response=answers(StartedOut, status=201))
def start_build(request: ApiRequest, body: NewBuild) -> Status[StartedOut]:
    """Start a build. The answer is its start event, and its token sealed to the caller's ephemeral key.

    The token's JWE holds {"tenant", "build", "token", "expires_at": seconds}. The token opens what is that build's own
    and nothing else, until the build ends.
    """
    started = builds.start_build(
        request.compartment,
        repository=body.repository,
        revision=body.revision,
        overrides=body.overrides,
        ttl=body.ttl,
    )
    slug = request.compartment.tenant.slug
    expires = int(started.token.expires_at.timestamp())
    content = {"tenant": slug, "build": str(started.build.id), "token": _token(started.token), "expires_at": expires}
    return Status(201, StartedOut(event=_event(slug, started), token=seal_for(body.key, content)))


@router.get("builds/{uuid:build_id}", auth=member(Permission.BUILDS_LIST), response=answers(BuildOut))
def get_build(request: ApiRequest, build_id: UUID) -> BuildOut:
    """Show one build."""
    return _out(builds.get_build(request.compartment, build_id))


@router.post("builds/{uuid:build_id}/end", auth=own_build(Permission.BUILDS_END), response=answers(BuildOut))
def end_build(request: ApiRequest, build_id: UUID, body: Ending) -> BuildOut:
    """End a build: its key and the trigger's own parameters are shredded, its token dies. A build ends itself alone."""
    return _out(builds.end_build(request.compartment, build_id, outcome=body.outcome))


@router.post(
    "builds/{uuid:build_id}/environment",
    auth=own_build(Permission.BUILDS_USE, rate="build-keys"),
    response=answers(Sealed),
)
def own_environment(request: ApiRequest, build_id: UUID) -> Sealed:
    """Return the build's environment as it is now, as in its start event: a JWE under the build's key."""
    return Sealed(jwe=builds.own_environment(request.compartment, build_id))


@router.post(
    "builds/{uuid:build_id}/ssh-keys",
    auth=own_build(Permission.BUILDS_USE, rate="build-keys"),
    response=answers(Sealed),
)
def own_ssh_keys(request: ApiRequest, build_id: UUID) -> Sealed:
    """Return the SSH keys whose filters match the build's repository: a JWE under the build's key.

    It holds {"tenant", "build", "keys": [{"name", "generation", "public", "known_hosts", "private_key": OpenSSH}]}.
    """
    return Sealed(jwe=builds.own_ssh_keys(request.compartment, build_id))


def _event(slug: str, started: Started) -> BuildStarted:
    build = started.build
    return BuildStarted(
        type=BUILD_STARTED,
        tenant=slug,
        build=build.id,
        repository=build.repository_name,
        revision=build.revision,
        started_by=build.started_by,
        ends_by=build.ends_by,
        overrides=build.override_names,
        enc=b64encode(started.enc).decode(),
        environment=started.environment,
    )


def _token(row: AccessToken) -> str:
    expires = int(row.expires_at.timestamp())
    return tokens().issue(Claims(row.person_id, row.tenant_id, row.id, int(time.time()), expires))
