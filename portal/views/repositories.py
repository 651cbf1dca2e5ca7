"""Repositories: list, add, change, delete."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from portal.forms.base import Form, explained
from portal.forms.repositories import RepositoryForm
from portal.guards import MemberRequest, member
from portal.views.answers import asked, done, page, posted
from tenants.actions import repositories
from tenants.compartment import Compartment
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
    form = RepositoryForm(posted(request))
    if form.is_valid():
        with explained(form):
            made = repositories.create_repository(compartment, **form.cleaned_data)
            return done(request, f"{made.name} was added.", "repositories", compartment)
    return page(request, "repositories/edit.html", compartment=compartment, form=form)


@require_http_methods(["GET", "POST"])
@member(Permission.REPOSITORIES_WRITE)
def edit(request: MemberRequest, compartment: Compartment, repository: UUID) -> HttpResponse:
    found = repositories.get_repository(compartment, repository)
    initial = {"name": found.name, "url": found.url, "labels": found.labels}
    form = RepositoryForm(posted(request), initial=initial)
    if form.is_valid():
        with explained(form):
            changed = repositories.change_repository(compartment, repository, **form.cleaned_data)
            return done(request, f"{changed.name} was changed.", "repositories", compartment)
    return page(
        request, "repositories/edit.html", compartment=compartment, form=form, repository=found, may_delete=True
    )


@require_http_methods(["GET", "POST"])
@member(Permission.REPOSITORIES_WRITE)
def delete(request: MemberRequest, compartment: Compartment, repository: UUID) -> HttpResponse:
    found = repositories.get_repository(compartment, repository)
    if request.method == "POST":
        repositories.delete_repository(compartment, repository)
        return done(request, f"{found.name} was deleted.", "repositories", compartment)
    return page(request, "repositories/delete.html", compartment=compartment, form=Form(), repository=found)
