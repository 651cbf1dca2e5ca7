"""Our side of routing: a view as `portal.guards` makes them, without what a request has before and after."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.urls import path

from tenants import compartment
from tenants.actor import Actor
from tests.benchmarks.scale.answers import answer


def repositories(request: HttpRequest, slug: str, person: UUID) -> JsonResponse:
    with compartment.enter(slug, Actor.person(person, "owner@example.org", address="192.0.2.1")):
        return answer()


urlpatterns = [path("t/<slug:slug>/<uuid:person>/", repositories)]
