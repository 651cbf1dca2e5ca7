"""Parameter sets. Values go in here; they come out sealed to the caller: for a repository's builds, or exported."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Query, Router, Status
from pydantic import Field

from portal.api.access import ApiRequest, member
from portal.api.schemas import (
    LARGE_BODY,
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
from tenants.actions import parameters
from tenants.actions.parameter_values import MAX_PARAMETERS, NewValue
from tenants.records.models import Parameter, ParameterSet
from tenants.roles import Permission
from tenants.validation import MAX_VALUE_BYTES

router = Router(tags=["parameters"])

Description = Annotated[Text, Field(max_length=500)]
Reason = Annotated[Text, Field(max_length=200, description="Why; kept with each version and in the audit log.")]
Day = Annotated[
    date | None, Field(strict=False, description="When to be reminded to replace it; it is given out all the same.")
]
Deletes = Annotated[
    list[Annotated[UUID, Field(strict=False)]], Field(max_length=MAX_PARAMETERS, description="Ids of parameters.")
]


class NewParameterSet(Strict):
    name: Name
    description: Description = ""
    filters: Filters  # without a default: a set for every repository is asked for, not left over


class ChangedParameterSet(Strict):
    """All of it: what is left out would be a guess."""

    name: Name
    description: Description
    filters: Filters


class ParameterSetOut(Strict):
    id: UUID
    name: str
    description: str
    filters: Filters
    size: int  # how many parameters it holds
    expiring: int  # how many of them have expired, or do within 30 days
    warning: Warned
    changed_at: datetime
    changed_by: str


class ParameterSetQuery(PageQuery):
    name: Annotated[Name | None, Field(description="Only the set of exactly this name.")] = None


class ParameterSetPage(Strict):
    items: list[ParameterSetOut]
    next: str | None


class NewParameter(Strict):
    """A value; what is left out of the rest stays as it is."""

    name: Name
    value: Annotated[Text, Field(max_length=MAX_VALUE_BYTES)]
    kind: Literal["text", "file"] | None = None
    description: Description | None = None
    expires_on: Day = None


class NewParameterWithReason(NewParameter):
    reason: Reason = ""


class ParameterNotes(Strict):
    description: Description
    expires_on: Day


class Changes(Strict):
    """Everything or nothing."""

    values: Annotated[list[NewParameter], Field(max_length=MAX_PARAMETERS)] = Field(default_factory=list)
    deletes: Deletes = Field(default_factory=list)
    reason: Reason = ""


class ParameterOut(Strict):
    id: UUID
    name: str
    version: int
    kind: str
    description: str
    expires_on: date | None


class ParametersOut(Strict):
    items: list[ParameterOut]


class ExportRequest(Strict):
    key: PublicKey


def set_out(found: ParameterSet) -> ParameterSetOut:
    return ParameterSetOut(
        id=found.id,
        name=found.name,
        description=found.description,
        filters=filters_of(found.filters),
        size=found.size,
        expiring=found.expiring,
        warning=warning_of(found.filters),
        changed_at=found.changed_at,
        changed_by=found.changed_by,
    )


def parameter_out(found: Parameter) -> ParameterOut:
    return ParameterOut(
        id=found.id,
        name=found.name,
        version=found.version,
        kind=found.kind,
        description=found.description,
        expires_on=found.expires_on,
    )


def _new(body: NewParameter) -> NewValue:
    return NewValue(body.name, body.value, body.kind, body.description, body.expires_on)


@router.get("parameter-sets", auth=member(Permission.PARAMETERS_LIST), response=answers(ParameterSetPage))
def list_sets(request: ApiRequest, page: Query[ParameterSetQuery]) -> ParameterSetPage:
    """List the parameter sets by name."""
    found = parameters.list_sets(request.compartment, page.request(), name=page.name)
    return ParameterSetPage(items=[set_out(item) for item in found.items], next=found.next)


@router.post("parameter-sets", auth=member(Permission.PARAMETERS_WRITE), response=answers(ParameterSetOut, status=201))
def create_set(request: ApiRequest, body: NewParameterSet) -> Status[ParameterSetOut]:
    """Create a parameter set. An empty list of filters matches every repository: the answer warns of it."""
    created = parameters.create_set(
        request.compartment, name=body.name, description=body.description, filters=filter_pairs(body.filters)
    )
    return Status(201, set_out(created))


@router.post(
    "parameter-sets/{uuid:set_id}", auth=member(Permission.PARAMETERS_WRITE), response=answers(ParameterSetOut)
)
def change_set(request: ApiRequest, set_id: UUID, body: ChangedParameterSet) -> ParameterSetOut:
    """Change a set's name, description and filters, all three. Ask `reach` first what that would change."""
    parameters.change_set(
        request.compartment,
        set_id,
        name=body.name,
        description=body.description,
        filters=filter_pairs(body.filters),
    )
    return set_out(parameters.get_set(request.compartment, set_id))


@router.get(
    "parameter-sets/{uuid:set_id}/parameters",
    auth=member(Permission.PARAMETERS_LIST),
    response=answers(ParametersOut),
)
def list_parameters(request: ApiRequest, set_id: UUID) -> ParametersOut:
    """List a set's parameters by name; values are not shown."""
    parameters.get_set(request.compartment, set_id)
    rows = parameters.list_parameters(request.compartment, set_id)
    return ParametersOut(items=[parameter_out(row.parameter) for row in rows])


@router.post(
    "parameter-sets/{uuid:set_id}/parameters",
    auth=member(Permission.PARAMETERS_WRITE, body=LARGE_BODY),
    response=answers(ParameterOut, status=201),
)
def set_parameter(request: ApiRequest, set_id: UUID, body: NewParameterWithReason) -> Status[ParameterOut]:
    """Give a parameter a value: its next version. The value is never shown again here."""
    parameter = parameters.set_parameter(
        request.compartment,
        set_id,
        name=body.name,
        value=body.value,
        kind=body.kind,
        description=body.description,
        expires_on=body.expires_on,
        reason=body.reason,
    )
    return Status(201, parameter_out(parameter))


@router.post(
    "parameter-sets/{uuid:set_id}/parameters/{uuid:parameter_id}",
    auth=member(Permission.PARAMETERS_WRITE),
    response=answers(ParameterOut),
)
def describe_parameter(request: ApiRequest, set_id: UUID, parameter_id: UUID, body: ParameterNotes) -> ParameterOut:
    """Change a parameter's description and date, both; its value and version stay."""
    changed = parameters.describe_parameter(
        request.compartment, set_id, parameter_id, description=body.description, expires_on=body.expires_on
    )
    return parameter_out(changed)


@router.post(
    "parameter-sets/{uuid:set_id}/changes",
    auth=member(Permission.PARAMETERS_WRITE, body=LARGE_BODY),
    response=answers(ParametersOut),
)
def apply_changes(request: ApiRequest, set_id: UUID, body: Changes) -> ParametersOut:
    """Set many values and delete many parameters, all or nothing; complaints come by the parameter's name."""
    values = [_new(each) for each in body.values]
    written = parameters.apply_changes(
        request.compartment, set_id, values=values, deletes=body.deletes, reason=body.reason
    )
    return ParametersOut(items=[parameter_out(each) for each in written])


@router.post("parameter-sets/{uuid:set_id}/export", auth=member(Permission.PARAMETERS_REVEAL), response=answers(Sealed))
def export_set(request: ApiRequest, set_id: UUID, body: ExportRequest) -> Sealed:
    """Reveal a set's values, sealed to the caller's ephemeral key: {"tenant", "set", "values": {name: value}}.

    Each call is an entry of the tenant's audit log.
    """
    values = parameters.reveal_set(request.compartment, set_id)
    return seal_for(body.key, {"tenant": request.compartment.tenant.slug, "set": str(set_id), "values": values})
