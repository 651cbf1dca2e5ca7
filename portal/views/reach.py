"""Whom filters, names and labels reach, for people to see before they save them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from portal.forms.base import FiltersField, LabelsField
from portal.forms.reach import ReachForm
from portal.guards import MemberRequest, member
from portal.limits import limited
from portal.views.answers import page
from tenants.actions.parameter_reach import ReachPreview, preview_names, preview_reach
from tenants.actions.parameters import get_set, matching_repositories
from tenants.actions.repository_reach import preview_labels
from tenants.compartment import Compartment
from tenants.errors import Invalid
from tenants.records.labels import Pair, filter_pairs
from tenants.roles import Permission


@dataclass(frozen=True, slots=True)
class Reach:
    names: list[str] = field(default_factory=list)  # at most 100
    everything: bool = False
    error: str = ""
    changes: ReachPreview | None = None  # of a parameter set's filters


@dataclass(frozen=True, slots=True)
class LabelsReach:
    """What labels would change for one repository."""

    changes: ReachPreview | None = None
    keys_gained: list[str] = field(default_factory=list)
    keys_lost: list[str] = field(default_factory=list)
    error: str = ""


def reach_of(compartment: Compartment, filters: Sequence[Sequence[Pair]], set_id: UUID | None = None) -> Reach:
    """Return whom filters reach; with `set_id`, also what saving them for that set would change."""
    try:
        names = matching_repositories(compartment, filters)
        changes = preview_reach(compartment, filters, set_id=set_id) if set_id else None
        return Reach(names, everything=not filters, changes=changes)
    except Invalid as error:
        return Reach(error=error.words)


def reach_of_stored(compartment: Compartment, filters: Sequence[Sequence[str]]) -> Reach:
    return reach_of(compartment, filter_pairs(filters))


def reach_of_form(compartment: Compartment, form: ReachForm, set_id: UUID | None = None) -> Reach | None:
    """Return what the form's filters reach, once they were sent and can be read."""
    if not form.is_bound or "filters" not in form.cleaned_data:
        return None
    return reach_of(compartment, form.cleaned_data["filters"], set_id)


def reach_of_labels(compartment: Compartment, labels: Sequence[Pair], repository: UUID | None) -> LabelsReach:
    try:
        found = preview_labels(compartment, labels, repository_id=repository)
    except Invalid as error:
        return LabelsReach(error=error.words)
    changed = [found.change] if found.change.entries else []
    return LabelsReach(ReachPreview(everything=False, repositories=changed, more=0), found.keys_gained, found.keys_lost)


# A GET sends the one field that was edited, and which record it is for.


@require_safe
@member(Permission.PARAMETERS_LIST)
@limited("previews")
def preview(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    """Answer the filters that were typed so far."""
    try:
        set_id = forms.UUIDField(required=False).clean(request.GET.get("set", ""))
        reach = reach_of(compartment, FiltersField().clean(request.GET.get("filters", "")), set_id)
    except ValidationError as error:
        reach = Reach(error=" ".join(error.messages))
    return page(request, "parts/reach.html", reach=reach)


@require_safe
@member(Permission.PARAMETERS_LIST)
@limited("previews")
def preview_labels_typed(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    """Answer the labels that were typed so far."""
    try:
        repository = forms.UUIDField(required=False).clean(request.GET.get("repository", ""))
        found = reach_of_labels(compartment, LabelsField().clean(request.GET.get("labels", "")), repository)
    except ValidationError as error:
        found = LabelsReach(error=" ".join(error.messages))
    return page(request, "parts/labels_reach.html", preview=found)


@require_safe
@member(Permission.PARAMETERS_LIST)
@limited("previews")
def preview_name(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    """Answer the name that was typed so far; nothing is said about one that is there already, or can't be one."""
    found = get_set(compartment, set)
    try:
        changes = preview_names(compartment, found.id, added=[request.GET.get("name", "")])
    except Invalid:
        changes = None
    return page(request, "parts/names_reach.html", changes=changes if changes and changes.repositories else None)
