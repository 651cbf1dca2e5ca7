from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, JsonResponse
from django.urls import path

from tenants.registry.models import Membership
from tests.benchmarks.scale.answers import answer


def repositories(request: HttpRequest) -> JsonResponse:
    """The query alone: whoever asks is let in."""
    return answer()


def admitted(request: HttpRequest, slug: str, person: UUID) -> JsonResponse:
    """Ask first whether the person is a member of the tenant, as every portal has to, then the query."""
    try:
        Membership.objects.select_related("tenant").get(tenant__slug=slug, person_id=person)
    except Membership.DoesNotExist:
        raise Http404 from None
    return answer()


urlpatterns = [path("query/", repositories), path("t/<slug:slug>/<uuid:person>/", admitted)]
