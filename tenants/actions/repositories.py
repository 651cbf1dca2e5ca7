"""Repositories and their labels."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from tenants import validation
from tenants.actions.audit import record
from tenants.actions.builds import end_builds_of, revoke
from tenants.actions.rows import fetch, unique
from tenants.compartment import Compartment, requires
from tenants.limits import Thing, hold
from tenants.pagination import Page, PageRequest, by_name
from tenants.records.labels import Pair, stored
from tenants.records.models import Repository
from tenants.roles import Permission


@requires(Permission.REPOSITORIES_LIST)
def list_repositories(compartment: Compartment, page: PageRequest) -> Page[Repository]:
    return by_name(Repository.objects.all(), page)


@requires(Permission.REPOSITORIES_LIST)
def get_repository(compartment: Compartment, repository_id: UUID) -> Repository:
    return fetch(Repository.objects.all(), id=repository_id)


@requires(Permission.REPOSITORIES_WRITE)
def create_repository(compartment: Compartment, *, name: str, url: str, labels: Sequence[Pair]) -> Repository:
    repository = Repository(
        name=validation.name(name),
        url=validation.repository_url(url),
        labels=stored(validation.labels(labels)),
    )
    with unique("name", "A repository of this name exists already."), compartment.transaction():
        repository.save(force_insert=True)
        record(compartment, "repository.created", repository.name, id=str(repository.id), labels=repository.labels)
        hold(compartment, Thing.REPOSITORIES)
    return repository


@requires(Permission.REPOSITORIES_WRITE)
def change_repository(
    compartment: Compartment, repository_id: UUID, *, name: str, url: str, labels: Sequence[Pair]
) -> Repository:
    with unique("name", "A repository of this name exists already."), compartment.transaction():
        repository = fetch(Repository.objects.select_for_update(), id=repository_id)
        before = repository.labels
        repository.name = validation.name(name)
        repository.url = validation.repository_url(url)
        repository.labels = stored(validation.labels(labels))
        repository.save()
        record(
            compartment,
            "repository.changed",
            repository.name,
            id=str(repository.id),
            labels=repository.labels,
            labels_before=before,
        )
    return repository


@requires(Permission.REPOSITORIES_WRITE)
def delete_repository(compartment: Compartment, repository_id: UUID) -> None:
    with compartment.transaction():
        repository = fetch(Repository.objects.select_for_update(), id=repository_id)
        ended = end_builds_of(compartment, repository)
        repository.delete()
        record(compartment, "repository.deleted", repository.name, id=str(repository_id))
    revoke(ended)
