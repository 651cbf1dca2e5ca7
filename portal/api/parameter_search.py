"""Looking through parameters: by text, by value, by date; and importing a file."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from portal import limits
from portal.api.access import ApiRequest, member
from portal.api.parameters import Reason
from portal.api.schemas import (
    LARGE_BODY,
    Filters,
    Labels,
    Name,
    Strict,
    Text,
    answers,
    filters_of,
    labels_of,
)
from tenants.actions import parameter_import as importing
from tenants.actions import parameter_search, parameters
from tenants.actions.parameter_import import MAX_BYTES, Format
from tenants.records.models import Parameter
from tenants.roles import Permission
from tenants.validation import MAX_VALUE_BYTES

router = Router(tags=["parameters"])


class _Asked(Schema):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class SearchQuery(_Asked):
    text: Annotated[Name, Field(description="Looked for in names, descriptions and labels (name=value).")]


class ExpiringQuery(_Asked):
    days: Annotated[int, Field(ge=0, le=3650)] = 30


class FoundSet(Strict):
    id: UUID
    name: str
    description: str
    filters: Filters


class FoundParameter(Strict):
    id: UUID
    set_id: UUID
    set_name: str
    name: str
    description: str
    expires_on: date | None


class FoundRepository(Strict):
    id: UUID
    name: str
    labels: Labels


class FoundOut(Strict):
    sets: list[FoundSet]
    parameters: list[FoundParameter]
    repositories: list[FoundRepository]


class ExpiringOut(Strict):
    items: list[FoundParameter]


class ValueSearch(Strict):
    value: Annotated[Text, Field(min_length=1, max_length=MAX_VALUE_BYTES)]


class UseOut(Strict):
    """`state`: in force, earlier (can be gone back to) or deleted (can be restored)."""

    set_id: UUID
    set_name: str
    parameter_id: UUID
    name: str
    version: int
    state: str


class UsesOut(Strict):
    """At most 500, those that were stored last, and how many `more` there are."""

    items: list[UseOut]
    more: int


class ImportRequest(Strict):
    format: Annotated[Format, Field(strict=False)]
    content: Annotated[Text, Field(max_length=MAX_BYTES)]
    dry_run: bool = False
    reason: Reason = ""


class RefusalOut(Strict):
    line: int
    name: str
    complaint: str


class ImportOut(Strict):
    """Names alone. With anything `refused`, nothing is stored."""

    added: list[str]
    changed: list[str]
    unchanged: list[str]
    refused: list[RefusalOut]


def _parameter(found: Parameter) -> FoundParameter:
    return FoundParameter(
        id=found.id,
        set_id=found.set_id,
        set_name=found.set.name,
        name=found.name,
        description=found.description,
        expires_on=found.expires_on,
    )


def _spend(request: ApiRequest) -> None:
    """Count a question whose answer confirms a guessed value."""
    limits.spend(request, "lookups", f"account {request.token.person_id}")


@router.get("parameters/search", auth=member(Permission.PARAMETERS_LIST), response=answers(FoundOut))
def search(request: ApiRequest, query: Query[SearchQuery]) -> FoundOut:
    """Find sets, parameters and repositories by their names, descriptions and labels; at most 50 of each."""
    found = parameter_search.search(request.compartment, query.text)
    return FoundOut(
        sets=[
            FoundSet(id=each.id, name=each.name, description=each.description, filters=filters_of(each.filters))
            for each in found.sets
        ],
        parameters=[_parameter(each) for each in found.parameters],
        repositories=[
            FoundRepository(id=each.id, name=each.name, labels=labels_of(each.labels)) for each in found.repositories
        ],
    )


@router.get("parameters/expiring", auth=member(Permission.PARAMETERS_LIST), response=answers(ExpiringOut))
def list_expiring(request: ApiRequest, query: Query[ExpiringQuery]) -> ExpiringOut:
    """List parameters whose date has come or comes within so many days, by date; at most 100."""
    found = parameters.list_expiring(request.compartment, within=query.days)
    return ExpiringOut(items=[_parameter(each) for each in found])


@router.post("parameters/uses", auth=member(Permission.PARAMETERS_WRITE), response=answers(UsesOut))
def find_value(request: ApiRequest, body: ValueSearch) -> UsesOut:
    """Find where exactly this value is stored, say because it leaked. Limited, and each call is in the audit log."""
    _spend(request)
    found = parameter_search.find_value(request.compartment, body.value)
    return UsesOut(items=[UseOut.model_validate(each) for each in found.items], more=found.more)


@router.post(
    "parameter-sets/{uuid:set_id}/import",
    auth=member(Permission.PARAMETERS_WRITE, body=LARGE_BODY),
    response=answers(ImportOut),
)
def import_parameters(request: ApiRequest, set_id: UUID, body: ImportRequest) -> ImportOut:
    """Import a `.env`, JSON or YAML text: all of it or nothing, with a line for each complaint (`line 3`).

    With `dry_run` it says what would be added, changed, left and refused, and stores nothing.
    """
    _spend(request)
    if body.dry_run:
        done = importing.preview_import(request.compartment, set_id, text=body.content, form=body.format)
    else:
        done = importing.import_parameters(
            request.compartment, set_id, text=body.content, form=body.format, reason=body.reason
        )
    return ImportOut.model_validate(done)
