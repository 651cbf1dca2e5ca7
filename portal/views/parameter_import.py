"""Importing a file into a set: a preview of what it would do, then all of it or nothing.

Between the two the file is sealed (tenants/actions/parameter_drafts.py) and rests in the page alone.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from portal.forms.base import explained
from portal.forms.parameter_import import ImportForm, SaveImportForm
from portal.guards import MemberRequest, member
from portal.limits import limited
from portal.views.answers import done, page, posted, uploaded
from tenants.actions import parameters
from tenants.actions.parameter_drafts import open_draft, seal_draft
from tenants.actions.parameter_import import Format, import_parameters, preview_import
from tenants.actions.parameter_reach import preview_names
from tenants.compartment import Compartment
from tenants.records.models import ParameterSet
from tenants.roles import Permission


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def index(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    found = parameters.get_set(compartment, set)
    form = ImportForm(posted(request), uploaded(request))
    if form.is_valid():
        with explained(form):
            return _preview(request, compartment, found, form)
    return page(request, "parameters/import.html", compartment=compartment, set=found, form=form)


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def save(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    """Store what was previewed. A GET, as after reloading, leads back to the beginning."""
    found = parameters.get_set(compartment, set)
    form = SaveImportForm(posted(request))
    if not form.is_bound:
        return redirect("parameters-import", tenant=compartment.tenant.slug, set=found.id)
    if form.is_valid():
        with explained(form):
            text, kind = open_draft(compartment, found.id, form.cleaned_data["draft"])
            made = import_parameters(compartment, found.id, text=text, form=kind, reason=form.cleaned_data["reason"])
            words = f"{len(made.added)} added, {len(made.changed)} changed, {len(made.unchanged)} left as they were."
            return done(request, words, "parameters-set", compartment, set=found.id)
    words = " ".join(str(error) for errors in form.errors.values() for error in errors)
    messages.warning(request, f"Nothing was imported. {words}")
    return redirect("parameters-import", tenant=compartment.tenant.slug, set=found.id)


# Each preview confirms or denies values that somebody may have guessed.
@limited("lookups")
def _preview(request: MemberRequest, compartment: Compartment, found: ParameterSet, form: ImportForm) -> HttpResponse:
    text, kind = form.text, Format(form.cleaned_data["form"])
    draft = seal_draft(compartment, found.id, text, kind)
    preview = preview_import(compartment, found.id, text=text, form=kind)
    saving = None if preview.refused else SaveImportForm(initial={"draft": draft})
    changes = preview_names(compartment, found.id, added=preview.added) if saving and preview.added else None
    context = {"set": found, "preview": preview, "saving": saving, "changes": changes}
    return page(request, "parameters/import_preview.html", compartment=compartment, **context)
