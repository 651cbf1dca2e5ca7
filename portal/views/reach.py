"""Which repositories a filter reaches, for people to see before they save it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from portal.forms.base import FiltersField
from portal.forms.reach import ReachForm
from portal.guards import MemberRequest, member
from portal.views.answers import page
from tenants.actions.parameter_reach import RepositoryReach, preview_reach
from tenants.actions.parameters import matching_repositories
from tenants.compartment import Compartment
from tenants.errors import Invalid
from tenants.records.labels import Pair, filter_pairs
from tenants.roles import Permission


@dataclass(frozen=True, slots=True)
class Changes:
    """What saving would change; `repositories` are those where something does, or where sets contest a name."""

    repositories: list[RepositoryReach]
    more: bool


@dataclass(frozen=True, slots=True)
class Reach:
    names: list[str] = field(default_factory=list)  # at most 100
    everything: bool = False
    error: str = ""
    changes: Changes | None = None  # of a parameter set's filters


def reach_of(compartment: Compartment, filters: Sequence[Sequence[Pair]], set_id: UUID | None = None) -> Reach:
    """Return whom filters reach; with `set_id`, also what saving them for that set would change."""
    try:
        names = matching_repositories(compartment, filters)
        changes = _changes(compartment, filters, set_id) if set_id else None
        return Reach(names, everything=not filters, changes=changes)
    except Invalid as error:
        return Reach(error=" ".join(error.fields.values()))


def reach_of_stored(compartment: Compartment, filters: Sequence[Sequence[str]]) -> Reach:
    return reach_of(compartment, filter_pairs(filters))


def reach_of_form(compartment: Compartment, form: ReachForm, set_id: UUID | None = None) -> Reach | None:
    """Return what the form's filters reach, once they were sent and can be read."""
    if not form.is_bound or "filters" not in form.cleaned_data:
        return None
    return reach_of(compartment, form.cleaned_data["filters"], set_id)


@require_safe
@member(Permission.PARAMETERS_LIST)
def preview(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    """Answer what was typed so far. Labels alone come here, and which set they are for.

    A GET sends the one field that was edited.
    """
    try:
        set_id = forms.UUIDField(required=False).clean(request.GET.get("set", ""))
        reach = reach_of(compartment, FiltersField().clean(request.GET.get("filters", "")), set_id)
    except ValidationError as error:
        reach = Reach(error=" ".join(error.messages))
    return page(request, "parts/reach.html", reach=reach)


def _changes(compartment: Compartment, filters: Sequence[Sequence[Pair]], set_id: UUID) -> Changes:
    found = preview_reach(compartment, filters, set_id=set_id)
    told = [each for each in found.repositories if each.gains or each.loses or each.switches or each.conflicts]
    return Changes(told, found.more)
