"""Changing many parameters of a set at once: all of it, or nothing."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from portal.forms.base import explained
from portal.forms.parameter_bulk import BulkForm
from portal.guards import MemberRequest, member
from portal.views.answers import done, page, posted
from portal.views.reach import reach_of_stored
from tenants.actions import parameters
from tenants.actions.parameter_reach import preview_set
from tenants.actions.parameter_values import NewValue
from tenants.compartment import Compartment
from tenants.errors import Invalid
from tenants.importing import Format, parse
from tenants.roles import Permission


@require_http_methods(["GET", "POST"])
@member(Permission.PARAMETERS_WRITE)
def index(request: MemberRequest, compartment: Compartment, set: UUID) -> HttpResponse:  # noqa: A002 - the URL's word
    found = parameters.get_set(compartment, set)
    current = [row.parameter for row in parameters.list_parameters(compartment, found.id)]
    form = BulkForm(posted(request), parameters=current)
    if form.is_valid():
        with explained(form):
            deletes = [UUID(each) for each in form.cleaned_data.get("deletes", ())]
            values, reason = _values(form.cleaned_data["content"]), form.cleaned_data["reason"]
            parameters.apply_changes(compartment, found.id, values=values, deletes=deletes, reason=reason)
            words = f"{len(values)} sealed, {len(deletes)} deleted."
            return done(request, words, "parameters-set", compartment, set=found.id)
    reached = {"reach": reach_of_stored(compartment, found.filters), "changes": preview_set(compartment, found.id)}
    return page(request, "parameters/bulk.html", compartment=compartment, set=found, form=form, **reached)


def _values(content: str) -> list[NewValue]:
    """Raises Invalid with each line that can't be read."""
    if not content.strip():
        return []
    entries, refused = parse(content, Format.DOTENV)
    if refused:
        raise Invalid({"content": " ".join(f"Line {each.line}: {each.complaint}" for each in refused[:20])})
    return [NewValue(each.name, each.value) for each in entries]
