"""The tenant's SSH certificate authorities, what hosts need to trust them, and what was issued."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.forms.base import Form, explained
from portal.guards import MemberRequest, member
from portal.views.answers import asked, done, page, posted
from tenants.actions import ssh_authorities
from tenants.compartment import Compartment
from tenants.roles import Permission


@require_safe
@member(Permission.SSH_AUTHORITIES_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    return _index(request, compartment, Form())


@require_POST
@member(Permission.SSH_AUTHORITIES_WRITE)
def create(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    form = Form(posted(request))
    form.is_valid()
    with explained(form):
        ssh_authorities.create_authority(compartment)
        return done(request, "The authority was made: let hosts know its public half.", "ssh-authorities", compartment)
    return _index(request, compartment, form)


@require_http_methods(["GET", "POST"])
@member(Permission.SSH_AUTHORITIES_WRITE)
def retire(request: MemberRequest, compartment: Compartment, authority: UUID) -> HttpResponse:
    found = ssh_authorities.get_authority(compartment, authority)
    form = Form(posted(request))
    if request.method == "POST":
        form.is_valid()
        with explained(form):
            ssh_authorities.retire_authority(compartment, authority)
            return done(
                request, "The authority was retired. Take it from your hosts too.", "ssh-authorities", compartment
            )
    return page(request, "ssh_keys/authority_retire.html", compartment=compartment, form=form, authority=found)


def _index(request: MemberRequest, compartment: Compartment, form: Form) -> HttpResponse:
    authorities = ssh_authorities.list_authorities(compartment)
    live = [each for each in authorities if each.retired_at is None]
    return page(
        request,
        "ssh_keys/authority.html",
        compartment=compartment,
        form=form,
        authorities=authorities,
        trusted="\n".join(each.public for each in live),
        signer=live[0].id if live else None,
        page=ssh_authorities.list_certificates(compartment, asked(request, size=20)),
        may_write=compartment.may(Permission.SSH_AUTHORITIES_WRITE),
    )
