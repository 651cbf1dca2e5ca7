"""Changing many parameters in two steps: a preview of what it would do, then all of it or nothing.

Between the two what was sent is sealed (tenants/actions/parameter_drafts.py) and rests in the page alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from portal.forms.base import explained
from portal.forms.parameter_preview import SaveForm
from portal.guards import MemberRequest
from portal.limits import limited
from portal.views.answers import done, page, posted
from tenants.actions import parameters
from tenants.actions.parameter_drafts import open_draft, seal_draft
from tenants.actions.parameter_plan import Plan, Wanted
from tenants.actions.parameter_reach import preview_names
from tenants.compartment import Compartment
from tenants.errors import Invalid
from tenants.records.models import ParameterSet


@dataclass(frozen=True, slots=True)
class Way:
    """One way to change many: the URL's name of its first page, its preview's template, its two actions, its words."""

    start: str
    template: str
    look: Callable[[Compartment, UUID, Wanted], Plan]
    store: Callable[[Compartment, UUID, Wanted, str], Plan]
    nothing: str

    def preview(
        self, request: MemberRequest, compartment: Compartment, found: ParameterSet, wanted: Wanted
    ) -> HttpResponse:
        """Show what it would do, with a form to save it. Raises Invalid when it can't be taken as a whole."""
        return _preview(request, compartment, found, self, wanted, SaveForm())

    def save(self, request: MemberRequest, compartment: Compartment, set_id: UUID) -> HttpResponse:
        """Store what was previewed. A GET, as after reloading, leads back to the beginning."""
        parameters.get_set(compartment, set_id)
        form = SaveForm(posted(request))
        if not form.is_bound:
            return self._start(compartment, set_id)
        try:
            wanted = open_draft(compartment, set_id, form.data.get("draft", ""))
            if form.is_valid():
                with explained(form):
                    plan = self.store(compartment, set_id, wanted, form.cleaned_data["reason"])
                    return done(request, _told(plan), "parameters-set", compartment, set=set_id)
            found = parameters.get_set(compartment, set_id)
            return _preview(request, compartment, found, self, _still(compartment, set_id, wanted), form)
        except Invalid as error:
            messages.warning(request, f"{self.nothing} {error.words}")
            return self._start(compartment, set_id)

    def _start(self, compartment: Compartment, set_id: UUID) -> HttpResponse:
        return redirect(self.start, tenant=compartment.tenant.slug, set=set_id)


# Each preview confirms or denies values that somebody may have guessed.
@limited("lookups")
def _preview(  # noqa: PLR0917 - what a page is made of
    request: MemberRequest, compartment: Compartment, found: ParameterSet, way: Way, wanted: Wanted, form: SaveForm
) -> HttpResponse:
    draft = seal_draft(compartment, found.id, replace(wanted, seen=found.changed_at))
    plan = way.look(compartment, found.id, wanted)
    form.renew(draft)
    touched = plan.added or plan.deleted
    reach = preview_names(compartment, found.id, added=plan.added, deleted=wanted.deletes) if touched else None
    shown = {"form": None, "changes": None} if plan.refused else {"form": form, "changes": reach}
    return page(request, way.template, compartment=compartment, set=found, start=way.start, preview=plan, **shown)


def _still(compartment: Compartment, set_id: UUID, wanted: Wanted) -> Wanted:
    """Leave out deleting what is gone by now, say by a button pressed twice. Raises Invalid when nothing is left."""
    there = {each.parameter_id for each in parameters.list_parameters(compartment, set_id)}
    left = tuple(each for each in wanted.deletes if each in there)
    if wanted.deletes and not left and not wanted.text.strip():
        raise Invalid({"deletes": "What should be deleted is gone already."})
    return replace(wanted, deletes=left)


def _told(plan: Plan) -> str:
    words = [f"{len(plan.added)} added", f"{len(plan.changed)} changed"]
    words += [f"{len(plan.deleted)} deleted"] if plan.deleted else []
    return f"{', '.join(words)}, {len(plan.unchanged)} left as they were."
