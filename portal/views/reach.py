"""Which repositories a filter reaches, for people to see before they save it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from portal.forms.base import FiltersField
from portal.forms.reach import ReachForm
from portal.guards import MemberRequest, member
from portal.views.answers import page
from tenants.actions.parameters import matching_repositories
from tenants.compartment import Compartment
from tenants.errors import Invalid
from tenants.records.labels import Pair, filter_pairs
from tenants.roles import Permission


@dataclass(frozen=True, slots=True)
class Reach:
    names: list[str] = field(default_factory=list)  # at most 100
    everything: bool = False
    error: str = ""


def reach_of(compartment: Compartment, filters: Sequence[Sequence[Pair]]) -> Reach:
    try:
        return Reach(matching_repositories(compartment, filters), everything=not filters)
    except Invalid as error:
        return Reach(error=" ".join(error.fields.values()))


def reach_of_stored(compartment: Compartment, filters: Sequence[Sequence[str]]) -> Reach:
    return reach_of(compartment, filter_pairs(filters))


def reach_of_form(compartment: Compartment, form: ReachForm) -> Reach | None:
    """Return what the form's filters reach, once they were sent and can be read."""
    if not form.is_bound or "filters" not in form.cleaned_data:
        return None
    return reach_of(compartment, form.cleaned_data["filters"])


@require_safe
@member(Permission.PARAMETERS_LIST)
def preview(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    """Answer what was typed so far. Labels alone come here: a GET sends the one field that was edited."""
    try:
        reach = reach_of(compartment, FiltersField().clean(request.GET.get("filters", "")))
    except ValidationError as error:
        reach = Reach(error=" ".join(error.messages))
    return page(request, "parts/reach.html", reach=reach)
