"""Builds: what ran and what runs, by names. Values and keys never come to a page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe
from pydantic import ValidationError

from portal.forms.base import Form
from portal.guards import MemberRequest, member
from portal.views.answers import asked, done, page
from portal.views.audit import Act
from tenants.actions import builds
from tenants.compartment import Compartment
from tenants.records.models import AuditRow, Build
from tenants.roles import Permission


@require_safe
@member(Permission.BUILDS_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    found = builds.list_builds(compartment, asked(request))
    return page(request, "builds/list.html", compartment=compartment, page=found)


@require_safe
@member(Permission.BUILDS_LIST)
def detail(request: MemberRequest, compartment: Compartment, build: UUID) -> HttpResponse:
    found = builds.get_build(compartment, build)
    may_audit = compartment.may(Permission.AUDIT_LIST)
    acts = builds.acts_of_build(compartment, found) if may_audit else None
    return page(
        request,
        "builds/build.html",
        compartment=compartment,
        build=found,
        may_audit=may_audit,
        acts=[_shown(row) for row in acts.entries] if acts else [],
        acts_cut=bool(acts and acts.cut),
        may_end=found.outcome == Build.Outcome.RUNNING and compartment.may(Permission.BUILDS_END),
    )


@require_http_methods(["GET", "POST"])
@member(Permission.BUILDS_END)
def end(request: MemberRequest, compartment: Compartment, build: UUID) -> HttpResponse:
    found = builds.get_build(compartment, build)
    if request.method == "POST" and found.outcome == Build.Outcome.RUNNING:
        builds.end_build(compartment, build, outcome=Build.Outcome.CANCELLED)
        return done(
            request, f"The build of {found.repository_name} was ended.", "builds-build", compartment, build=build
        )
    if found.outcome != Build.Outcome.RUNNING:
        return done(request, "This build has ended already.", "builds-build", compartment, build=build)
    return page(request, "builds/end.html", compartment=compartment, form=Form(), build=found)


def _shown(row: AuditRow) -> dict[str, Any]:
    """Return what of an entry about a build is shown; `act` is None where the portal did not write it."""
    try:
        act = Act.model_validate_json(row.entry)
    except ValidationError:
        return {"at": row.at, "act": None}
    names = act.detail.get("names")
    return {"at": row.at, "act": act, "names": names if isinstance(names, list) else None}
