"""Searching parameters by what is shown of them, and by an exact value, which is shown nowhere."""

from __future__ import annotations

from contextlib import suppress

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from portal.forms.base import explained
from portal.forms.search import SearchForm, ValueSearchForm
from portal.guards import MemberRequest, member
from portal.limits import limited
from portal.views.answers import page, posted
from tenants.actions import parameter_search
from tenants.compartment import Compartment
from tenants.errors import Invalid
from tenants.roles import Permission


@require_safe
@member(Permission.PARAMETERS_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    form = SearchForm(request.GET if "text" in request.GET else None)
    found = None
    if form.is_valid():
        with explained(form):
            found = parameter_search.search(compartment, form.cleaned_data["text"])
    may_find = compartment.may(Permission.PARAMETERS_WRITE)
    context = {"form": form, "found": found, "may_find": may_find, "most": parameter_search.MOST}
    return page(request, "search/search.html", compartment=compartment, **context)


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def value(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    form = ValueSearchForm(posted(request))
    uses = None
    if form.is_valid():
        with explained(form):
            uses = _find(request, compartment, form.cleaned_data["value"])
    return page(request, "search/value.html", compartment=compartment, form=form, uses=uses, may_find=True)


@limited("lookups")
def _find(_request: MemberRequest, compartment: Compartment, wanted: str) -> parameter_search.Uses:
    """Look for it with CRLF too, as a file has it that was uploaded: a browser does not say which was pasted."""
    found = [parameter_search.find_value(compartment, wanted)]
    if "\n" in wanted:
        with suppress(Invalid):  # longer than any value is
            found.append(parameter_search.find_value(compartment, wanted.replace("\n", "\r\n")))
    return parameter_search.Uses([use for each in found for use in each.items], sum(each.more for each in found))
