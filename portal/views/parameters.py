"""Parameter sets: their names, filters and versions. A value goes in here and never comes out."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal.forms.base import Form, explained
from portal.forms.parameters import ParameterForm, ParameterSetForm
from portal.guards import MemberRequest, member
from portal.views.answers import asked, done, page, posted, uploaded
from portal.views.reach import reach_of_form, reach_of_stored
from tenants.actions import parameters
from tenants.actions.parameter_reach import preview_names, preview_set
from tenants.compartment import Compartment
from tenants.records.models import ParameterSet
from tenants.roles import Permission


@require_safe
@member(Permission.PARAMETERS_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    found = parameters.list_sets(compartment, asked(request))
    may_create = compartment.may(Permission.PARAMETERS_WRITE)
    return page(request, "parameters/list.html", compartment=compartment, page=found, may_create=may_create)


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def new(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    form = _form(request, compartment)
    if form.is_valid() and "preview" not in request.POST:
        with explained(form):
            made = parameters.create_set(compartment, **form.content)
            return done(
                request, f"{made.name} was added. Now give it values.", "parameters-set", compartment, set=made.id
            )
    return _edit_page(request, compartment, form, None)


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def edit(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    found = parameters.get_set(compartment, set)
    form = _form(request, compartment, found)
    if form.is_valid() and "preview" not in request.POST:
        with explained(form):
            changed = parameters.change_set(compartment, found.id, **form.content)
            return done(request, f"{changed.name} was changed.", "parameters-set", compartment, set=changed.id)
    return _edit_page(request, compartment, form, found)


def show(request: MemberRequest, compartment: Compartment, found: ParameterSet, form: ParameterForm) -> HttpResponse:
    return page(
        request,
        "parameters/set.html",
        compartment=compartment,
        set=found,
        parameters=parameters.list_parameters(compartment, found.id),
        reach=reach_of_stored(compartment, found.filters),
        form=form,
        may_change=compartment.may(Permission.PARAMETERS_WRITE),
    )


@require_safe
@member(Permission.PARAMETERS_LIST)
def detail(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    found = parameters.get_set(compartment, set)
    initial = {"name": request.GET.get("name", "")[:100]}
    return show(request, compartment, found, ParameterForm(initial=initial, preview=_preview(compartment, found)))


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def put(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    """Seal a value. A GET, as after reloading a page with errors, leads back to the set."""
    found = parameters.get_set(compartment, set)
    form = ParameterForm(posted(request), uploaded(request), preview=_preview(compartment, found))
    if not form.is_bound:
        return redirect("parameters-set", tenant=compartment.tenant.slug, set=found.id)
    if form.is_valid():
        with explained(form):
            saved = parameters.set_parameter(compartment, found.id, **form.content)
            words = f"{saved.name} was sealed as version {saved.version}."
            return done(request, words, "parameters-set", compartment, set=found.id)
    return show(request, compartment, found, form)


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def drop(request: MemberRequest, compartment: Compartment, set: UUID, parameter: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    found = parameters.get_set(compartment, set)
    dropped = parameters.list_parameters(compartment, found.id).filter(parameter_id=parameter).first()
    if dropped is None:
        raise Http404
    if request.method == "POST":
        parameters.delete_parameter(compartment, found.id, parameter)
        return done(request, f"{dropped.parameter.name} was deleted.", "parameters-set", compartment, set=found.id)
    changes = preview_names(compartment, found.id, deleted=[parameter])
    context = {"set": found, "parameter": dropped.parameter, "form": Form(), "changes": changes}
    return page(request, "parameters/drop.html", compartment=compartment, **context)


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def delete(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    found = parameters.get_set(compartment, set)
    if request.method == "POST":
        parameters.delete_set(compartment, found.id)
        return done(request, f"{found.name} was deleted.", "parameters", compartment)
    context = {"set": found, "form": Form(), "changes": preview_set(compartment, found.id)}
    return page(request, "parameters/delete.html", compartment=compartment, **context)


def _preview(compartment: Compartment, found: ParameterSet) -> str:
    return reverse("parameters-preview-name", kwargs={"tenant": compartment.tenant.slug, "set": found.id})


def _form(request: MemberRequest, compartment: Compartment, found: ParameterSet | None = None) -> ParameterSetForm:
    shown = ("name", "description", "filters")
    initial = {name: getattr(found, name) for name in shown} if found else {}
    initial["everyone"] = bool(found and not found.filters)
    preview = reverse("parameters-preview", kwargs={"tenant": compartment.tenant.slug})
    known = f"?{urlencode({'set': found.id})}" if found else ""
    return ParameterSetForm(posted(request), initial=initial, preview=f"{preview}{known}")


def _edit_page(
    request: MemberRequest, compartment: Compartment, form: ParameterSetForm, found: ParameterSet | None
) -> HttpResponse:
    reach = reach_of_form(compartment, form, found.id if found else None)
    return page(request, "parameters/edit.html", compartment=compartment, form=form, set=found, reach=reach)
