"""The front page: for visitors what this is, for people their tenants."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from portal.guards import AnonymousRequest, anonymous
from portal.signin.context import my_tenancies
from portal.views.answers import page
from tenants.registry.models import TenantState


@require_safe
@anonymous
def index(request: AnonymousRequest) -> HttpResponse:
    if request.person is None:
        return page(request, "landing.html")
    mine = [tenancy.tenant for tenancy in my_tenancies(request)]
    only = mine[0] if len(mine) == 1 and mine[0].state == TenantState.ACTIVE else None
    return redirect("overview", tenant=only.slug) if only else redirect("tenants")
