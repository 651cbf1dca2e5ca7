"""The front page: for visitors what this is, for people their tenants."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from portal.guards import AnonymousRequest, anonymous
from portal.views.answers import page
from tenants.actions.tenancies import tenants_of


@require_safe
@anonymous
def index(request: AnonymousRequest) -> HttpResponse:
    if request.person is None:
        return page(request, "landing.html")
    mine = tenants_of(request.person.pk)
    return redirect("overview", tenant=mine[0].tenant.slug) if len(mine) == 1 else redirect("tenants")
