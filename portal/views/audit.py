"""The audit log, newest first."""

from __future__ import annotations

import json

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from portal.guards import MemberRequest, member
from portal.views.answers import asked, page
from tenants.actions.audit import list_audit
from tenants.compartment import Compartment
from tenants.roles import Permission


@require_safe
@member(Permission.AUDIT_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    found = list_audit(compartment, asked(request))
    entries = [{"position": row.position, "at": row.at, **json.loads(row.entry)} for row in found.items]
    return page(request, "audit/list.html", compartment=compartment, page=found, entries=entries)
