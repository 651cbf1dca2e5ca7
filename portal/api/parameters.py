"""Parameter sets. Values go in here; they come out only for a build's repository (see repositories)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Query, Router, Status
from pydantic import Field

from portal.api.access import ApiRequest, member
from portal.api.schemas import Filters, Name, PageQuery, Strict, Text, answers, filter_pairs, filters_of
from tenants.actions import parameters
from tenants.records.models import ParameterSet
from tenants.roles import Permission

router = Router(tags=["parameters"])


class NewParameterSet(Strict):
    name: Name
    description: Annotated[Text, Field(max_length=500)] = ""
    filters: Filters = Field(default_factory=list)


class ParameterSetOut(Strict):
    id: UUID
    name: str
    description: str
    filters: Filters
    size: int  # how many parameters it holds
    changed_at: datetime
    changed_by: str


class ParameterSetQuery(PageQuery):
    name: Annotated[Name | None, Field(description="Only the set of exactly this name.")] = None


class ParameterSetPage(Strict):
    items: list[ParameterSetOut]
    next: str | None


class NewParameter(Strict):
    name: Name
    value: Annotated[Text, Field(max_length=64 * 1024)]


class ParameterOut(Strict):
    id: UUID
    name: str
    version: int


class ParametersOut(Strict):
    items: list[ParameterOut]


def _out(found: ParameterSet) -> ParameterSetOut:
    return ParameterSetOut(
        id=found.id,
        name=found.name,
        description=found.description,
        filters=filters_of(found.filters),
        size=getattr(found, "size", 0),  # counted by the list; a new set holds none
        changed_at=found.changed_at,
        changed_by=found.changed_by,
    )


@router.get("parameter-sets", auth=member(Permission.PARAMETERS_LIST), response=answers(ParameterSetPage))
def list_sets(request: ApiRequest, page: Query[ParameterSetQuery]) -> ParameterSetPage:
    """List the parameter sets by name."""
    found = parameters.list_sets(request.compartment, page.request(), name=page.name)
    return ParameterSetPage(items=[_out(item) for item in found.items], next=found.next)


@router.post("parameter-sets", auth=member(Permission.PARAMETERS_WRITE), response=answers(ParameterSetOut, status=201))
def create_set(request: ApiRequest, body: NewParameterSet) -> Status[ParameterSetOut]:
    """Create a parameter set. Without filters it matches every repository."""
    created = parameters.create_set(
        request.compartment, name=body.name, description=body.description, filters=filter_pairs(body.filters)
    )
    return Status(201, _out(created))


@router.get(
    "parameter-sets/{uuid:set_id}/parameters",
    auth=member(Permission.PARAMETERS_LIST),
    response=answers(ParametersOut),
)
def list_parameters(request: ApiRequest, set_id: UUID) -> ParametersOut:
    """List a set's parameters by name; values are not shown."""
    parameters.get_set(request.compartment, set_id)
    rows = parameters.list_parameters(request.compartment, set_id)
    return ParametersOut(
        items=[ParameterOut(id=row.parameter.id, name=row.parameter.name, version=row.version) for row in rows]
    )


@router.post(
    "parameter-sets/{uuid:set_id}/parameters",
    auth=member(Permission.PARAMETERS_WRITE),
    response=answers(ParameterOut, status=201),
)
def set_parameter(request: ApiRequest, set_id: UUID, body: NewParameter) -> Status[ParameterOut]:
    """Give a parameter a value: its next version. The value is never shown again here."""
    parameter = parameters.set_parameter(request.compartment, set_id, name=body.name, value=body.value)
    return Status(201, ParameterOut(id=parameter.id, name=parameter.name, version=parameter.version))
