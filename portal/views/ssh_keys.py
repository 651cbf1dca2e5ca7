"""SSH keys: made or taken in, shown by their public half, rotated generation by generation."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal import limits
from portal.forms.base import Form, explained
from portal.forms.reach import ReachForm
from portal.forms.ssh_keys import ChangeKeyForm, GenerateKeyForm, ImportKeyForm, RotateKeyForm
from portal.guards import MemberRequest, member
from portal.views.answers import asked, done, page, posted
from portal.views.reach import reach_of_form, reach_of_stored
from tenants.actions import ssh_keys
from tenants.compartment import Compartment
from tenants.records.models import SSHKey
from tenants.roles import Permission
from tenants.ssh_formats import Algorithm

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
            _spend(request)
            made = ssh_keys.generate_key(compartment, **form.content)
            return _to(request, compartment, made, f"{made.name} was made. Its public half is below.")
    reach = reach_of_form(compartment, form)
    return page(request, "ssh_keys/generate.html", compartment=compartment, form=form, reach=reach)


@require_http_methods(["GET", "POST"])
@member(Permission.SSH_KEYS_WRITE)
def take_in(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    form = _form(request, compartment, ImportKeyForm)
    if form.is_valid():
        with explained(form):
            _spend(request)
            made = ssh_keys.import_key(compartment, **form.content)
            return _to(request, compartment, made, f"{made.name} was imported and sealed.")
    reach = reach_of_form(compartment, form)
    return page(request, "ssh_keys/import.html", compartment=compartment, form=form, reach=reach)


@require_safe
@member(Permission.SSH_KEYS_LIST)
def detail(request: MemberRequest, compartment: Compartment, key: UUID) -> HttpResponse:
    found = ssh_keys.get_key(compartment, key)
    generations = ssh_keys.list_generations(compartment, found.name)
    live = [each for each in generations if each.retired_at is None]
    return page(
        request,
        "ssh_keys/key.html",
        compartment=compartment,
        key=found,
        generations=generations,
        most=ssh_keys.MAX_GENERATIONS,
        newest=live[0] if live else found,
        live=len(live),
        reach=reach_of_stored(compartment, found.filters),
        may_write=compartment.may(Permission.SSH_KEYS_WRITE),
    )


@require_http_methods(["GET", "POST"])
@member(Permission.SSH_KEYS_WRITE)
def edit(request: MemberRequest, compartment: Compartment, key: UUID) -> HttpResponse:
    found = ssh_keys.get_key(compartment, key)
    form = _form(request, compartment, ChangeKeyForm, found)
    if form.is_valid() and "preview" not in request.POST:
        with explained(form):
            changed = ssh_keys.change_key(compartment, key, **form.content)
            return _to(request, compartment, changed, f"{changed.name} was changed.")
    reach = reach_of_form(compartment, form) or reach_of_stored(compartment, found.filters)
    return page(request, "ssh_keys/edit.html", compartment=compartment, form=form, key=found, reach=reach)


@require_http_methods(["GET", "POST"])
@member(Permission.SSH_KEYS_WRITE)
def rotate(request: MemberRequest, compartment: Compartment, key: UUID) -> HttpResponse:
    found = ssh_keys.get_key(compartment, key)
    like = Algorithm.RSA_4096 if found.kind == "ssh-rsa" else Algorithm.ED25519
    form = RotateKeyForm(posted(request), initial={"algorithm": like.value})
    if form.is_valid():
        with explained(form):
            _spend(request)
            made = ssh_keys.rotate_key(compartment, key, **form.cleaned_data)
            return _to(request, compartment, made, f"Generation {made.generation} of {made.name} was made.")
    return page(request, "ssh_keys/rotate.html", compartment=compartment, form=form, key=found)


@require_http_methods(["GET", "POST"])
@member(Permission.SSH_KEYS_WRITE)
def retire(request: MemberRequest, compartment: Compartment, key: UUID) -> HttpResponse:
    found = ssh_keys.get_key(compartment, key)
    form = Form(posted(request))
    if request.method == "POST":
        form.is_valid()
        with explained(form):
            retired = ssh_keys.retire_key(compartment, key)
            newest = ssh_keys.get_named(compartment, retired.name)
            return _to(request, compartment, newest, f"Generation {retired.generation} was retired.")
    return page(request, "ssh_keys/retire.html", compartment=compartment, form=form, key=found)


@require_http_methods(["GET", "POST"])
@member(Permission.SSH_KEYS_WRITE)
def delete(request: MemberRequest, compartment: Compartment, key: UUID) -> HttpResponse:
    found = ssh_keys.get_key(compartment, key)
    if request.method == "POST":
        ssh_keys.delete_key(compartment, key)
        return done(request, f"{found.name} was deleted.", "ssh-keys", compartment)
    return page(request, "ssh_keys/delete.html", compartment=compartment, form=Form(), key=found)


def _spend(request: MemberRequest) -> None:
    """Count a key that is to be made or judged: both cost the process seconds."""
    limits.spend(request, "ssh-keys", f"account {request.person.pk}")


def _to(request: MemberRequest, compartment: Compartment, key: SSHKey, words: str) -> HttpResponse:
    return done(request, words, "ssh-keys-key", compartment, key=key.id)


def _form(request: MemberRequest, compartment: Compartment, kind: type[F], key: SSHKey | None = None) -> F:
    preview = reverse("parameters-preview", kwargs={"tenant": compartment.tenant.slug})
    initial = None
    if key is not None:
        everyone = not key.filters
        initial = {
            "filters": key.filters,
            "everyone": everyone,
            "description": key.description,
            "known_hosts": key.known_hosts,
        }
    return kind(posted(request), initial=initial, preview=preview)
