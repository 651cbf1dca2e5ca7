"""SSH keys: made or taken in, shown by their public half."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal.forms.base import Form, explained
from portal.forms.reach import ReachForm
from portal.forms.ssh_keys import GenerateKeyForm, ImportKeyForm
from portal.guards import MemberRequest, member
from portal.views.answers import asked, done, page, posted
from portal.views.reach import reach_of_form, reach_of_stored
from tenants.actions import ssh_keys
from tenants.compartment import Compartment
from tenants.roles import Permission

F = TypeVar("F", bound=ReachForm)


@require_safe
@member(Permission.SSH_KEYS_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    found = ssh_keys.list_keys(compartment, asked(request))
    may_create = compartment.may(Permission.SSH_KEYS_WRITE)
    return page(request, "ssh_keys/list.html", compartment=compartment, page=found, may_create=may_create)


@require_http_methods(["GET", "POST"])
@member(Permission.SSH_KEYS_WRITE)
def generate(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    form = _form(request, compartment, GenerateKeyForm)
    if form.is_valid() and "preview" not in request.POST:
        with explained(form):
            made = ssh_keys.generate_key(compartment, **form.content)
            return done(
                request, f"{made.name} was made. Its public half is below.", "ssh-keys-key", compartment, key=made.id
            )
    reach = reach_of_form(compartment, form)
    return page(request, "ssh_keys/generate.html", compartment=compartment, form=form, reach=reach)


@require_http_methods(["GET", "POST"])
@member(Permission.SSH_KEYS_WRITE)
def take_in(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    form = _form(request, compartment, ImportKeyForm)
    if form.is_valid():
        with explained(form):
            made = ssh_keys.import_key(compartment, **form.content)
            return done(request, f"{made.name} was imported and sealed.", "ssh-keys-key", compartment, key=made.id)
    reach = reach_of_form(compartment, form)
    return page(request, "ssh_keys/import.html", compartment=compartment, form=form, reach=reach)


@require_safe
@member(Permission.SSH_KEYS_LIST)
def detail(request: MemberRequest, compartment: Compartment, key: UUID) -> HttpResponse:
    found = ssh_keys.get_key(compartment, key)
    return page(
        request,
        "ssh_keys/key.html",
        compartment=compartment,
        key=found,
        reach=reach_of_stored(compartment, found.filters),
        may_delete=compartment.may(Permission.SSH_KEYS_WRITE),
    )


@require_http_methods(["GET", "POST"])
@member(Permission.SSH_KEYS_WRITE)
def delete(request: MemberRequest, compartment: Compartment, key: UUID) -> HttpResponse:
    found = ssh_keys.get_key(compartment, key)
    if request.method == "POST":
        ssh_keys.delete_key(compartment, key)
        return done(request, f"{found.name} was deleted.", "ssh-keys", compartment)
    return page(request, "ssh_keys/delete.html", compartment=compartment, form=Form(), key=found)


def _form(request: MemberRequest, compartment: Compartment, kind: type[F]) -> F:
    preview = reverse("parameters-preview", kwargs={"tenant": compartment.tenant.slug})
    return kind(posted(request), preview=preview)
