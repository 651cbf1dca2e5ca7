"""Connections: propose, accept, end."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from portal.forms.base import Form, explained
from portal.forms.connections import ProposalForm
from portal.guards import MemberRequest, member
from portal.views.answers import asked, done, page, posted
from tenants.actions import connections
from tenants.compartment import Compartment
from tenants.errors import Invalid
from tenants.registry.models import Connection, Tenant
from tenants.roles import Permission


@dataclass(frozen=True, slots=True)
class Seen:
    """A connection as this tenant sees it."""

    connection: Connection
    other: Tenant
    sends: bool  # this tenant is the provider
    proposed_here: bool


@require_safe
@member(Permission.CONNECTIONS_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    found = connections.list_connections(compartment, asked(request))
    return page(
        request,
        "connections/list.html",
        compartment=compartment,
        page=found,
        connections=[_seen(compartment, each) for each in found.items],
        may_create=compartment.may(Permission.CONNECTIONS_WRITE),
    )


@require_http_methods(["GET", "POST"])
@member(Permission.CONNECTIONS_WRITE)
def new(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    form = ProposalForm(posted(request))
    if form.is_valid():
        with explained(form):
            made = connections.propose(compartment, **form.cleaned_data)
            words = f"The connection was proposed to {_seen(compartment, made).other.slug}. They decide."
            return done(request, words, "connections", compartment)
    return page(request, "connections/new.html", compartment=compartment, form=form)


@require_http_methods(["POST"])
@member(Permission.CONNECTIONS_WRITE)
def accept(request: MemberRequest, compartment: Compartment, connection: UUID) -> HttpResponse:
    try:
        accepted = connections.accept(compartment, connection)
    except Invalid as error:
        return _unchanged(request, compartment, error)
    words = f"The connection with {_seen(compartment, accepted).other.slug} is active."
    return done(request, words, "connections", compartment)


@require_http_methods(["GET", "POST"])
@member(Permission.CONNECTIONS_WRITE)
def end(request: MemberRequest, compartment: Compartment, connection: UUID) -> HttpResponse:
    seen = _seen(compartment, connections.get_connection(compartment, connection))
    form = Form(posted(request))
    if form.is_valid():
        with explained(form):
            connections.end(compartment, connection)
            return done(request, f"The connection with {seen.other.slug} has ended.", "connections", compartment)
    return page(request, "connections/end.html", compartment=compartment, form=form, seen=seen)


def _seen(compartment: Compartment, connection: Connection) -> Seen:
    mine = compartment.tenant.id
    sends = connection.provider_id == mine
    return Seen(
        connection=connection,
        other=connection.consumer if sends else connection.provider,
        sends=sends,
        proposed_here=connection.proposed_by_id == mine,
    )


def _unchanged(request: MemberRequest, compartment: Compartment, error: Invalid) -> HttpResponse:
    messages.warning(request, error.words)
    return redirect("connections", tenant=compartment.tenant.slug)
