"""Changing many parameters of a set at once: a preview of what it would do, then all of it or nothing."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from portal.forms.base import explained
from portal.forms.parameter_bulk import BulkForm
from portal.guards import MemberRequest, member
from portal.views.answers import page, posted
from portal.views.parameter_preview import Way
from portal.views.reach import reach_of_stored
from tenants.actions import parameters
from tenants.actions.parameter_bulk import apply_bulk, preview_bulk
from tenants.actions.parameter_plan import Plan, Wanted
from tenants.compartment import Compartment
from tenants.importing import Format
from tenants.roles import Permission


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def index(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    found = parameters.get_set(compartment, set)
    current = [row.parameter for row in parameters.list_parameters(compartment, found.id)]
    form = BulkForm(posted(request), parameters=current)
    if form.is_valid():
        with explained(form):
            deletes = tuple(form.cleaned_data.get("deletes", ()))
            wanted = Wanted(form.cleaned_data["content"], Format.DOTENV, deletes)
            return WAY.preview(request, compartment, found, wanted)
    reach = reach_of_stored(compartment, found.filters)
    return page(request, "parameters/bulk.html", compartment=compartment, set=found, form=form, reach=reach)


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def save(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    return WAY.save(request, compartment, set)


def _store(compartment: Compartment, set_id: UUID, wanted: Wanted, reason: str) -> Plan:
    return apply_bulk(compartment, set_id, wanted, reason=reason)


WAY: Final = Way("parameters-many", "parameters/bulk_preview.html", preview_bulk, _store, "Nothing was changed.")
