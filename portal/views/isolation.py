"""What came of the last attempts to leave the tenant's compartment."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from portal.guards import MemberRequest, member
from portal.views.answers import page
from tenants.actions.isolation import last_proof
from tenants.compartment import Compartment
from tenants.isolation.report import report
from tenants.isolation.schedule import next_run
from tenants.roles import Permission


@require_safe
@member(Permission.ISOLATION_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    now = datetime.now(UTC)
    proof = last_proof(compartment)
    found = report(proof) if proof else None
    return page(
        request,
        "isolation/proof.html",
        compartment=compartment,
        report=found,
        old=found is not None and found.is_old(now),
        next_run=next_run(now),
    )
