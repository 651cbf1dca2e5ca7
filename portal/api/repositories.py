"""Repositories, and the environment that their builds run in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Path, Query, Router, Status
from pydantic import Field

from portal.api.access import ApiRequest, member
from portal.api.schemas import (
    Labels,
    Name,
    PageQuery,
    PublicKey,
    Sealed,
    Strict,
    Text,
    answers,
    labels_of,
    pairs,
)
from portal.api.sealing import jwe_for
from tenants.actions import parameters, repositories
from tenants.actions.parameters import Environment
from tenants.compartment import Compartment
from tenants.records.models import Repository
from tenants.roles import Permission

router = Router(tags=["repositories"])


class NewRepository(Strict):
    name: Name
    url: Annotated[Text, Field(max_length=500)] = ""
    labels: Labels = Field(default_factory=list)


class RepositoryOut(Strict):
    id: UUID
    name: str
    url: str
    labels: Labels
    created_at: datetime


class RepositoryPage(Strict):
    items: list[RepositoryOut]
    next: str | None


class EnvironmentRequest(Strict):
    key: PublicKey


def _out(repository: Repository) -> RepositoryOut:
    return RepositoryOut(
        id=repository.id,
        name=repository.name,
        url=repository.url,
        labels=labels_of(repository.labels),
        created_at=repository.created_at,
    )


@router.get("repositories", auth=member(Permission.REPOSITORIES_LIST), response=answers(RepositoryPage))
def list_repositories(request: ApiRequest, page: Query[PageQuery]) -> RepositoryPage:
    """List the repositories by name."""
    found = repositories.list_repositories(request.compartment, page.request())
    return RepositoryPage(items=[_out(repository) for repository in found.items], next=found.next)


@router.post("repositories", auth=member(Permission.REPOSITORIES_WRITE), response=answers(RepositoryOut, status=201))
def create_repository(request: ApiRequest, body: NewRepository) -> Status[RepositoryOut]:
    """Add a repository."""
    created = repositories.create_repository(
        request.compartment, name=body.name, url=body.url, labels=pairs(body.labels)
    )
    return Status(201, _out(created))


@router.post(
    "repositories/{path:name}/environment",
    auth=member(Permission.PARAMETERS_REVEAL),
    response=answers(Sealed),
)
def reveal_environment(request: ApiRequest, name: Path[Name], body: EnvironmentRequest) -> Sealed:
    """Reveal the parameters whose filters match the repository, sealed to the caller's ephemeral key.

    The JWE holds {"tenant", "repository", "values": {name: value}, "conflicts": {name: [set, …]}}; a name that
    several sets define has the value of the first set listed. Each call is an entry of the tenant's audit log.
    """
    environment = parameters.reveal_environment(request.compartment, name)
    return Sealed(jwe=sealed(request.compartment, name, environment, body.key))


def sealed(compartment: Compartment, name: str, environment: Environment, key: PublicKey) -> str:
    """Return the JWE of what a repository's builds may have."""
    content = {
        "tenant": compartment.identity.slug,
        "repository": name,
        "values": environment.values,
        "conflicts": environment.conflicts,
    }
    return jwe_for(key, content)
