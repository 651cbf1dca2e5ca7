"""What became of parameters: their versions, going back to one, deleting and restoring."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from portal.api.access import ApiRequest, member
from portal.api.parameters import ParameterOut, ParameterSetOut, Reason, parameter_out, set_out
from portal.api.schemas import PageQuery, Strict, answers
from tenants.actions import parameter_deletion as deletion
from tenants.actions import parameter_history as history
from tenants.actions import parameters
from tenants.records.models import Parameter, ParameterSet
from tenants.roles import Permission

router = Router(tags=["parameters"])

Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class VersionOut(Strict):
    """`length` is rounded; equal values of one parameter have one `fingerprint` (empty: it can't be told now)."""

    version: int
    author: str
    reason: str
    created_at: datetime
    in_force: bool
    length: str
    fingerprint: str


class VersionPage(Strict):
    items: list[VersionOut]
    next: str | None


class ComparisonQuery(Schema):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    left: Number
    right: Number


class ComparisonOut(Strict):
    left: VersionOut
    right: VersionOut
    same: bool


class RollBack(Strict):
    version: Number
    reason: Reason = ""


class DeletedOut(Strict):
    id: UUID
    name: str
    deleted_at: datetime
    deleted_by: str
    shredded_at: datetime  # until then it can be restored


class DeletedPage(Strict):
    items: list[DeletedOut]
    next: str | None


class Deleted(Strict):
    id: UUID


def _deleted(row: ParameterSet | Parameter) -> DeletedOut:
    at = row.deleted_at
    if at is None:
        raise ValueError("it is not deleted")
    return DeletedOut(
        id=row.id, name=row.name, deleted_at=at, deleted_by=row.deleted_by, shredded_at=at + deletion.KEPT
    )


@router.get(
    "parameter-sets/{uuid:set_id}/parameters/{uuid:parameter_id}/versions",
    auth=member(Permission.PARAMETERS_LIST),
    response=answers(VersionPage),
)
def list_versions(request: ApiRequest, set_id: UUID, parameter_id: UUID, page: Query[PageQuery]) -> VersionPage:
    """List a parameter's versions, the newest first."""
    found = history.list_versions(request.compartment, set_id, parameter_id, page.request())
    return VersionPage(items=[VersionOut.model_validate(each) for each in found.items], next=found.next)


@router.get(
    "parameter-sets/{uuid:set_id}/parameters/{uuid:parameter_id}/comparison",
    auth=member(Permission.PARAMETERS_LIST),
    response=answers(ComparisonOut),
)
def compare_versions(
    request: ApiRequest, set_id: UUID, parameter_id: UUID, which: Query[ComparisonQuery]
) -> ComparisonOut:
    """Say whether two versions hold the same value; neither is shown."""
    found = history.compare_versions(request.compartment, set_id, parameter_id, left=which.left, right=which.right)
    return ComparisonOut.model_validate(found)


@router.post(
    "parameter-sets/{uuid:set_id}/parameters/{uuid:parameter_id}/roll-back",
    auth=member(Permission.PARAMETERS_WRITE),
    response=answers(ParameterOut),
)
def roll_back(request: ApiRequest, set_id: UUID, parameter_id: UUID, body: RollBack) -> ParameterOut:
    """Store an earlier value as the next version. It takes no right to read it."""
    changed = history.roll_back(request.compartment, set_id, parameter_id, version=body.version, reason=body.reason)
    return parameter_out(changed)


@router.post("parameter-sets/{uuid:set_id}/delete", auth=member(Permission.PARAMETERS_WRITE), response=answers(Deleted))
def delete_set(request: ApiRequest, set_id: UUID) -> Deleted:
    """Delete a set. It can be restored for 30 days and is shredded then."""
    deletion.delete_set(request.compartment, set_id)
    return Deleted(id=set_id)


@router.post(
    "parameter-sets/{uuid:set_id}/parameters/{uuid:parameter_id}/delete",
    auth=member(Permission.PARAMETERS_WRITE),
    response=answers(Deleted),
)
def delete_parameter(request: ApiRequest, set_id: UUID, parameter_id: UUID) -> Deleted:
    """Delete a parameter with all its versions. It can be restored for 30 days and is shredded then."""
    deletion.delete_parameter(request.compartment, set_id, parameter_id)
    return Deleted(id=parameter_id)


@router.get("deleted-parameter-sets", auth=member(Permission.PARAMETERS_LIST), response=answers(DeletedPage))
def list_deleted_sets(request: ApiRequest, page: Query[PageQuery]) -> DeletedPage:
    """List the sets that can be restored, the last deleted first."""
    found = deletion.list_deleted_sets(request.compartment, page.request())
    return DeletedPage(items=[_deleted(each) for each in found.items], next=found.next)


@router.get(
    "parameter-sets/{uuid:set_id}/deleted-parameters",
    auth=member(Permission.PARAMETERS_LIST),
    response=answers(DeletedPage),
)
def list_deleted_parameters(request: ApiRequest, set_id: UUID, page: Query[PageQuery]) -> DeletedPage:
    """List a set's parameters that can be restored, the last deleted first."""
    found = deletion.list_deleted_parameters(request.compartment, set_id, page.request())
    return DeletedPage(items=[_deleted(each) for each in found.items], next=found.next)


@router.post(
    "parameter-sets/{uuid:set_id}/restore",
    auth=member(Permission.PARAMETERS_WRITE),
    response=answers(ParameterSetOut),
)
def restore_set(request: ApiRequest, set_id: UUID) -> ParameterSetOut:
    """Undo a set's deletion. Refused (422, `name`) when another set has taken its name."""
    deletion.restore_set(request.compartment, set_id)
    return set_out(parameters.get_set(request.compartment, set_id))


@router.post(
    "parameter-sets/{uuid:set_id}/parameters/{uuid:parameter_id}/restore",
    auth=member(Permission.PARAMETERS_WRITE),
    response=answers(ParameterOut),
)
def restore_parameter(request: ApiRequest, set_id: UUID, parameter_id: UUID) -> ParameterOut:
    """Undo a parameter's deletion. Refused (422, `name`) when another has taken its name."""
    return parameter_out(deletion.restore_parameter(request.compartment, set_id, parameter_id))
