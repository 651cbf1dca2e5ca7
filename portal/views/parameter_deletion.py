"""What was deleted and can be restored until it is shredded."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from portal.forms.base import Form
from portal.guards import MemberRequest, member
from portal.views.answers import asked, done, page
from tenants.actions import parameter_deletion, parameters
from tenants.actions.parameter_reach import preview_names, preview_set
from tenants.compartment import Compartment
from tenants.errors import Invalid
from tenants.roles import Permission


@require_safe
@member(Permission.PARAMETERS_LIST)
def sets(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    found = parameter_deletion.list_deleted_sets(compartment, asked(request))
    may_change = compartment.may(Permission.PARAMETERS_WRITE)
    return page(request, "parameters/deleted_sets.html", compartment=compartment, page=found, may_change=may_change)


@require_safe
@member(Permission.PARAMETERS_LIST)
def parameters_of(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    context = {
        "set": parameters.get_set(compartment, set),
        "page": parameter_deletion.list_deleted_parameters(compartment, set, asked(request)),
        "may_change": compartment.may(Permission.PARAMETERS_WRITE),
    }
    return page(request, "parameters/deleted.html", compartment=compartment, **context)


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def restore_set(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    if request.method == "GET":
        found = parameter_deletion.get_deleted_set(compartment, set)
        context = {"set": found, "parameter": None, "form": Form(), "changes": preview_set(compartment, set)}
        return page(request, "parameters/restore.html", compartment=compartment, **context)
    try:
        restored = parameter_deletion.restore_set(compartment, set)
    except Invalid as error:
        messages.warning(request, error.words)
        return redirect("parameters-deleted", tenant=compartment.tenant.slug)
    return done(request, f"{restored.name} was restored with its values.", "parameters-set", compartment, set=set)


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def restore(request: MemberRequest, compartment: Compartment, set: UUID, parameter: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    if request.method == "GET":
        found = parameter_deletion.get_deleted_parameter(compartment, set, parameter)
        changes = preview_names(compartment, set, added=[found.name])
        context = {"set": found.set, "parameter": found, "form": Form(), "changes": changes}
        return page(request, "parameters/restore.html", compartment=compartment, **context)
    try:
        restored = parameter_deletion.restore_parameter(compartment, set, parameter)
    except Invalid as error:
        messages.warning(request, error.words)
        return redirect("parameters-set-deleted", tenant=compartment.tenant.slug, set=set)
    return done(request, f"{restored.name} was restored.", "parameters-set", compartment, set=set)
