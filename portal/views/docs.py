"""The documents that the portal serves: what can be drawn from code is drawn from it."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal.guards import AnonymousRequest, anonymous
from portal.pages import boundaries, events, keys, matrix, threats
from portal.views.answers import page
from tenants.roles import Role

DOCUMENTS = (
    ("docs-threat-model", "Threat model", "What we expect to go wrong, what stops it, and the test that proves it."),
    ("docs-roles", "Role matrix", "Who may do what, rendered from the code that enforces it."),
    ("docs-keys", "Key hierarchy", "From the key service down to one value, and what each ciphertext is bound to."),
    ("docs-events", "Events", "What a build system is handed as a build starts, and how it is opened."),
    ("api:openapi-json", "API", "The OpenAPI document of what the command line uses, for programs of your own."),
)


@require_safe
@anonymous
def index(request: AnonymousRequest) -> HttpResponse:
    documents = [{"address": reverse(name), "title": title, "about": about} for name, title, about in DOCUMENTS]
    return page(request, "docs/index.html", documents=documents)


@require_safe
@anonymous
def roles(request: AnonymousRequest) -> HttpResponse:
    return page(request, "docs/roles.html", roles=list(Role), groups=matrix.groups())


@require_safe
@anonymous
def threat_model(request: AnonymousRequest) -> HttpResponse:
    return page(request, "docs/threat_model.html", boundaries=boundaries.BOUNDARIES, threats=threats.THREATS)


@require_safe
@anonymous
def key_hierarchy(request: AnonymousRequest) -> HttpResponse:
    return page(request, "docs/keys.html", links=keys.CHAIN, bound=keys.BOUND)


@require_safe
@anonymous
def event_list(request: AnonymousRequest) -> HttpResponse:
    return page(
        request, "docs/events.html", name=events.BUILD_STARTED, fields=events.fields(), example=events.example()
    )


@require_safe
@anonymous
def build_started(_request: AnonymousRequest) -> HttpResponse:
    """The event's JSON Schema, at the address of its version."""
    return JsonResponse(events.schema(), json_dumps_params={"indent": 2})
