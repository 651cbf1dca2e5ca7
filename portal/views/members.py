"""Members: who they are, who asks to join, and which roles this person may give and take."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from portal.forms.base import Form, explained
from portal.forms.members import RoleForm
from portal.guards import MemberRequest, member
from portal.views.answers import asked, done, page, posted
from tenants.actions import members
from tenants.compartment import Compartment
from tenants.roles import Permission, Role

SHOWN_REQUESTS = 20


@require_safe
@member(Permission.MEMBERS_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    may_admit = compartment.may(Permission.MEMBERS_ADMIT)
    requests = asked(request, "asking", SHOWN_REQUESTS)
    return page(
        request,
        "members/list.html",
        compartment=compartment,
        page=members.list_members(compartment, asked(request)),
        requests=members.list_join_requests(compartment, requests) if may_admit else None,
        may_change=compartment.may(Permission.MEMBERS_WRITE),
        grantable=_grantable(compartment),
    )


@require_http_methods(["GET", "POST"])
@member(Permission.MEMBERS_ADMIT)
def admit(request: MemberRequest, compartment: Compartment, asking: UUID) -> HttpResponse:
    found = members.get_join_request(compartment, asking)
    form = RoleForm(posted(request), grantable=_grantable(compartment), initial={"role": Role.MEMBER.value})
    if form.is_valid():
        with explained(form):
            members.admit(compartment, asking, form.cleaned_data["role"])
            return done(request, f"{found.person} is a member now.", "members", compartment)
    return page(request, "members/role.html", compartment=compartment, form=form, subject=found.person, admitting=True)


@require_http_methods(["POST"])
@member(Permission.MEMBERS_ADMIT)
def decline(request: MemberRequest, compartment: Compartment, asking: UUID) -> HttpResponse:
    members.decline(compartment, asking)
    return done(request, "The request was declined.", "members", compartment)


@require_http_methods(["GET", "POST"])
@member(Permission.MEMBERS_WRITE)
def role(request: MemberRequest, compartment: Compartment, person: UUID) -> HttpResponse:
    found = members.get_member(compartment, person)
    form = RoleForm(posted(request), grantable=_grantable(compartment), initial={"role": found.role})
    if form.is_valid():
        with explained(form):
            members.change_role(compartment, person, form.cleaned_data["role"])
            words = f"{found.person} is {form.cleaned_data['role'].label.lower()} now."
            return done(request, words, "members", compartment)
    return page(request, "members/role.html", compartment=compartment, form=form, subject=found.person, admitting=False)


@require_http_methods(["GET", "POST"])
@member(Permission.MEMBERS_WRITE)
def remove(request: MemberRequest, compartment: Compartment, person: UUID) -> HttpResponse:
    found = members.get_member(compartment, person)
    form = Form(posted(request))
    if form.is_valid():
        with explained(form):
            members.remove_member(compartment, person)
            return done(request, f"{found.person} was removed.", "members", compartment)
    return page(request, "members/remove.html", compartment=compartment, form=form, subject=found.person)


def _grantable(compartment: Compartment) -> frozenset[Role]:
    return compartment.role.may_grant() if compartment.role else frozenset()
