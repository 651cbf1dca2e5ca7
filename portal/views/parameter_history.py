"""One parameter: its versions, how two of them compare, going back to one, and what it is for. No value is shown."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from portal.forms.base import explained
from portal.forms.parameters import CompareForm, DescribeForm, RollBackForm
from portal.guards import MemberRequest, member
from portal.views.answers import asked, done, page, posted
from tenants.actions import parameter_history, parameters
from tenants.compartment import Compartment
from tenants.roles import Permission


@require_safe
@member(Permission.PARAMETERS_LIST)
def index(request: MemberRequest, compartment: Compartment, set: UUID, parameter: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    found = parameters.get_parameter(compartment, set, parameter)
    newest = {"left": found.version, "right": max(1, found.version - 1)}
    form = CompareForm(request.GET if "left" in request.GET else None, initial=newest, newest=found.version)
    chosen = form.cleaned_data if form.is_valid() else None
    return page(
        request,
        "parameters/history.html",
        compartment=compartment,
        set=found.set,
        parameter=found,
        page=parameter_history.list_versions(compartment, set, parameter, asked(request)),
        comparison=chosen and parameter_history.compare_versions(compartment, set, parameter, **chosen),
        form=form,
        may_change=compartment.may(Permission.PARAMETERS_WRITE),
    )


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def roll_back(request: MemberRequest, compartment: Compartment, set: UUID, parameter: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    found = parameters.get_parameter(compartment, set, parameter)
    asked_for = (request.POST if request.method == "POST" else request.GET).get("version", "")
    if asked_for not in {str(number) for number in range(1, found.version)}:
        raise Http404
    form = RollBackForm(posted(request), initial={"version": asked_for})
    if form.is_valid():
        with explained(form):
            changed = parameter_history.roll_back(compartment, set, parameter, **form.cleaned_data)
            words = f"{changed.name} is back at version {asked_for}, sealed anew as version {changed.version}."
            return done(request, words, "parameters-history", compartment, set=set, parameter=parameter)
    context = {"set": found.set, "parameter": found, "version": asked_for, "form": form}
    return page(request, "parameters/roll_back.html", compartment=compartment, **context)


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def describe(request: MemberRequest, compartment: Compartment, set: UUID, parameter: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    found = parameters.get_parameter(compartment, set, parameter)
    form = DescribeForm(posted(request), initial={"description": found.description, "expires_on": found.expires_on})
    if form.is_valid():
        with explained(form):
            parameters.describe_parameter(compartment, set, parameter, **form.cleaned_data)
            words = f"{found.name} was changed; its value stayed."
            return done(request, words, "parameters-history", compartment, set=set, parameter=parameter)
    context = {"set": found.set, "parameter": found, "form": form}
    return page(request, "parameters/describe.html", compartment=compartment, **context)
