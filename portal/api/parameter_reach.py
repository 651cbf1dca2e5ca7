"""What a change would do, before it is made: which repositories gain or lose which names, and what wins."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from ninja import Router
from pydantic import Field

from portal.api.access import ApiRequest, member
from portal.api.parameters import Deletes
from portal.api.schemas import Filters, Name, Strict, answers, filter_pairs
from tenants.actions import parameter_deletion, parameter_reach, parameters
from tenants.actions.parameter_values import MAX_PARAMETERS
from tenants.roles import Permission

router = Router(tags=["parameters"])


class ReachRequest(Strict):
    filters: Filters
    set_id: Annotated[UUID | None, Field(strict=False, description="The set that would change.")] = None


class NamesRequest(Strict):
    adds: Annotated[list[Name], Field(max_length=MAX_PARAMETERS, description="Names that would be set.")] = Field(
        default_factory=list
    )
    deletes: Deletes = Field(default_factory=list)


class SwitchOut(Strict):
    """A name whose value would come from another set."""

    name: str
    before: str
    after: str


class ContestOut(Strict):
    """A name that several sets give the repository."""

    name: str
    sets: list[str]  # the one that wins first
    more: int


class RepositoryReachOut(Strict):
    name: str
    gains: list[str]
    loses: list[str]
    switches: list[SwitchOut]
    conflicts: list[ContestOut]


class ChangesOut(Strict):
    """`repositories`: those where something changes, and how many `more` may be."""

    repositories: list[RepositoryReachOut]
    more: int


class ReachOut(ChangesOut):
    """`matches`: at most 100 names."""

    everything: bool  # the filter is empty: every repository, also those to come
    matches: list[str]


@router.post("parameters/reach", auth=member(Permission.PARAMETERS_LIST, rate="previews"), response=answers(ReachOut))
def preview_reach(request: ApiRequest, body: ReachRequest) -> ReachOut:
    """Say which repositories filters match; and which would gain or lose which names, if the set had them."""
    filters = filter_pairs(body.filters)
    matches = parameters.matching_repositories(request.compartment, filters)
    if body.set_id is None:
        return ReachOut(everything=not filters, matches=matches, repositories=[], more=0)
    found = parameter_reach.preview_reach(request.compartment, filters, set_id=body.set_id)
    changes = [RepositoryReachOut.model_validate(each) for each in found.repositories]
    return ReachOut(everything=found.everything, matches=matches, repositories=changes, more=found.more)


@router.post(
    "parameter-sets/{uuid:set_id}/reach",
    auth=member(Permission.PARAMETERS_LIST, rate="previews"),
    response=answers(ChangesOut),
)
def preview_names(request: ApiRequest, set_id: UUID, body: NamesRequest) -> ChangesOut:
    """Say which repositories would gain or lose which names, if the set got and lost these; and what would win.

    A name that the set has already changes nothing: its value would be another, for the same builds.
    """
    return ChangesOut.model_validate(
        parameter_reach.preview_names(request.compartment, set_id, added=body.adds, deleted=body.deletes)
    )


@router.get(
    "deleted-parameter-sets/{uuid:set_id}/reach",
    auth=member(Permission.PARAMETERS_LIST, rate="previews"),
    response=answers(ChangesOut),
)
def preview_restoring(request: ApiRequest, set_id: UUID) -> ChangesOut:
    """Say which repositories would gain which names, if the set were restored; and what would win."""
    parameter_deletion.get_deleted_set(request.compartment, set_id)
    return ChangesOut.model_validate(parameter_reach.preview_set(request.compartment, set_id))
