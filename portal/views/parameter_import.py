"""Importing a file into a set: a preview of what it would do, then all of it or nothing."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from portal.forms.base import explained
from portal.forms.parameter_import import ImportForm
from portal.guards import MemberRequest, member
from portal.views.answers import page, posted, uploaded
from portal.views.parameter_preview import Way
from tenants.actions import parameters
from tenants.actions.parameter_import import Format, import_parameters, preview_import
from tenants.actions.parameter_plan import Plan, Wanted
from tenants.compartment import Compartment
from tenants.roles import Permission


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def index(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    found = parameters.get_set(compartment, set)
    form = ImportForm(posted(request), uploaded(request))
    if form.is_valid():
        with explained(form):
            wanted = Wanted(form.text, Format(form.cleaned_data["form"]))
            return WAY.preview(request, compartment, found, wanted)
    return page(request, "parameters/import.html", compartment=compartment, set=found, form=form)


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def save(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    return WAY.save(request, compartment, set)


def _look(compartment: Compartment, set_id: UUID, wanted: Wanted) -> Plan:
    return preview_import(compartment, set_id, text=wanted.text, form=wanted.form)


def _store(compartment: Compartment, set_id: UUID, wanted: Wanted, reason: str) -> Plan:
    text, form, seen = wanted.text, wanted.form, wanted.seen
    return import_parameters(compartment, set_id, text=text, form=form, reason=reason, seen=seen)


WAY: Final = Way("parameters-import", "parameters/import_preview.html", _look, _store, "Nothing was imported.")
