"""Repositories: list, add, change, delete."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal.forms.base import Form, explained
from portal.forms.repositories import RepositoryForm
from portal.guards import MemberRequest, member
from portal.views.answers import asked, done, page, posted
from portal.views.reach import LabelsReach, reach_of_labels
from tenants.actions import repositories
from tenants.compartment import Compartment
from tenants.records.models import Repository
from tenants.roles import Permission


@require_safe
@member(Permission.REPOSITORIES_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    found = repositories.list_repositories(compartment, asked(request))
    may_create = compartment.may(Permission.REPOSITORIES_WRITE)
    return page(request, "repositories/list.html", compartment=compartment, page=found, may_create=may_create)


@require_http_methods(["GET", "POST"])
@member(Permission.REPOSITORIES_WRITE)
def new(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    form = _form(request, compartment)
    if form.is_valid() and "preview" not in request.POST:
        with explained(form):
            made = repositories.create_repository(compartment, **form.cleaned_data)
            return done(request, f"{made.name} was added.", "repositories", compartment)
    preview = _preview(compartment, form)
    return page(request, "repositories/edit.html", compartment=compartment, form=form, preview=preview)


@require_http_methods(["GET", "POST"])
@member(Permission.REPOSITORIES_WRITE)
def edit(request: MemberRequest, compartment: Compartment, repository: UUID) -> HttpResponse:
    found = repositories.get_repository(compartment, repository)
    form = _form(request, compartment, found)
    if form.is_valid() and "preview" not in request.POST:
        with explained(form):
            changed = repositories.change_repository(compartment, repository, **form.cleaned_data)
            return done(request, f"{changed.name} was changed.", "repositories", compartment)
    context = {"form": form, "repository": found, "may_delete": True, "preview": _preview(compartment, form, found)}
    return page(request, "repositories/edit.html", compartment=compartment, **context)


@require_http_methods(["GET", "POST"])
@member(Permission.REPOSITORIES_WRITE)
def delete(request: MemberRequest, compartment: Compartment, repository: UUID) -> HttpResponse:
    found = repositories.get_repository(compartment, repository)
    if request.method == "POST":
        repositories.delete_repository(compartment, repository)
        return done(request, f"{found.name} was deleted.", "repositories", compartment)
    return page(request, "repositories/delete.html", compartment=compartment, form=Form(), repository=found)


def _form(request: MemberRequest, compartment: Compartment, found: Repository | None = None) -> RepositoryForm:
    initial = {"name": found.name, "url": found.url, "labels": found.labels} if found else {}
    preview = reverse("repositories-preview", kwargs={"tenant": compartment.tenant.slug})
    known = f"?{urlencode({'repository': found.id})}" if found else ""
    return RepositoryForm(posted(request), initial=initial, preview=f"{preview}{known}")


def _preview(compartment: Compartment, form: RepositoryForm, found: Repository | None = None) -> LabelsReach | None:
    """Return what the labels would change, once they were sent and can be read, to whom may see names of values."""
    if not form.is_bound or "labels" not in form.cleaned_data or not compartment.may(Permission.PARAMETERS_LIST):
        return None
    return reach_of_labels(compartment, form.cleaned_data["labels"], found.id if found else None)
