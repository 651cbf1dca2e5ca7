"""The tenant's SSH certificate authorities, what hosts need to trust them, and what was issued."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from portal.forms.base import Form, explained
from portal.guards import MemberRequest, member
from portal.views.answers import asked, done, page, posted
from tenants.actions import ssh_authorities
from tenants.compartment import Compartment
from tenants.roles import Permission


@require_safe
@member(Permission.SSH_AUTHORITIES_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    authorities = ssh_authorities.list_authorities(compartment)
    live = [each for each in authorities if each.retired_at is None]
    return page(
        request,
        "ssh_keys/authority.html",
        compartment=compartment,
        authorities=authorities,
        most=ssh_authorities.MAX_SHOWN,
        trusted="\n".join(each.public for each in live),
        signer=live[-1].id if live else None,
        page=ssh_authorities.list_certificates(compartment, asked(request, size=20)),
        may_write=compartment.may(Permission.SSH_AUTHORITIES_WRITE),
    )


@require_http_methods(["GET", "POST"])
@member(Permission.SSH_AUTHORITIES_WRITE)
def create(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    signer = ssh_authorities.signer_of(compartment)
    form = Form(posted(request))
    if form.is_valid():
        with explained(form):
            ssh_authorities.create_authority(compartment)
            words = "The authority was made: let hosts know its public half."
            return done(request, words, "ssh-authorities", compartment)
    return page(request, "ssh_keys/authority_rotate.html", compartment=compartment, form=form, signer=signer)


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
    live = [each for each in ssh_authorities.list_authorities(compartment) if each.retired_at is None]
    return page(
        request,
        "ssh_keys/authority_retire.html",
        compartment=compartment,
        form=form,
        authority=found,
        signs=bool(live) and live[-1].id == found.id,
        following=live[-2] if len(live) > 1 else None,
    )
