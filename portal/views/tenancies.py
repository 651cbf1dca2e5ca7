"""Before and around a tenant: mine, a new one and its making, its overview."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect

from portal.forms.base import explained
from portal.forms.tenancies import JoinForm, TenantForm
from portal.guards import MemberRequest, SignedInRequest, actor_of, member, signed_in
from portal.limits import limited
from portal.views.answers import done, page, posted
from portal.views.overview import counts_of, tasks_of
from tenants.actions import tenancies
from tenants.actions.overview import count
from tenants.actions.parameters import list_expiring
from tenants.actions.usage import near_limits
from tenants.compartment import Compartment
from tenants.registry.models import TenantRequest
from tenants.roles import Permission

ASKED = "If there is a tenant at this address, its members see your request and decide."


@dataclass(frozen=True, slots=True)
class Step:
    words: str
    about: str
    state: str  # done | now | waiting


@require_http_methods(["GET", "POST"])
@signed_in
def index(request: SignedInRequest) -> HttpResponse:
    """List my tenants; a POST asks to be let into another one."""
    form = JoinForm(posted(request))
    if form.is_valid():
        with explained(form):
            _ask_to_join(request, form)
            return done(request, ASKED, "tenants")
    waiting = tenancies.requests_of(request.person.pk)
    return page(request, "tenants/list.html", waiting=waiting, form=form, most=tenancies.MAX_LISTED)


@require_http_methods(["GET", "POST"])
@signed_in
def new(request: SignedInRequest) -> HttpResponse:
    form = TenantForm(posted(request))
    if form.is_valid():
        with explained(form):
            asked_for = _request_tenant(request, form)
            return redirect("tenants-progress", slug=asked_for.slug)
    return page(request, "tenants/new.html", form=form)


# Only what is asked for is counted: looking at the forms, or at one's own tenants, costs nothing.
@limited("requests")
def _ask_to_join(request: SignedInRequest, form: JoinForm) -> None:
    tenancies.ask_to_join(actor_of(request), **form.cleaned_data)


@limited("requests")
def _request_tenant(request: SignedInRequest, form: TenantForm) -> TenantRequest:
    return tenancies.request_tenant(actor_of(request), **form.cleaned_data)


@require_safe
@signed_in
def progress(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show how far the tenant is; once it is made, go inside. Asked again twice a second, with scripts or without."""
    asked_for = tenancies.request_status(actor_of(request), slug)
    again = request.headers.get("HX-Request") == "true"
    if asked_for.state == TenantRequest.State.DONE:
        inside = reverse("overview", kwargs={"tenant": slug})
        return HttpResponseClientRedirect(inside) if again else redirect(inside)
    failed = asked_for.state == TenantRequest.State.FAILED
    template = "tenants/steps.html" if again else "tenants/progress.html"
    return page(request, template, tenant=asked_for, steps=_steps(), failed=failed)


@require_safe
@member(Permission.REPOSITORIES_LIST)
def overview(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    counted = count(compartment)
    tasks = tasks_of(compartment, counted)
    return page(
        request,
        "tenants/overview.html",
        compartment=compartment,
        counts=counts_of(compartment, counted),
        tasks=tasks,
        finished=all(task.done for task in tasks),
        expiring=list_expiring(compartment) if compartment.may(Permission.PARAMETERS_LIST) else [],
        near=near_limits(compartment),
    )


def _steps() -> list[Step]:
    return [
        Step("Asked for", "Recorded, with you as its owner.", "done"),
        Step("Schema, role and key", "A provisioning worker with a database role of its own makes all three.", "now"),
        Step("Open", "You are taken inside.", "waiting"),
    ]
