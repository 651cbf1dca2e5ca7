"""The audit log, newest first."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe
from pydantic import BaseModel, ValidationError

from portal.guards import MemberRequest, member
from portal.views.answers import asked, page
from tenants.actions.audit import list_audit
from tenants.compartment import Compartment
from tenants.records.models import AuditRow
from tenants.roles import Permission


class Act(BaseModel):
    """What of an entry is shown. A row can't be taken back, so one that says something else must not break the page."""

    action: str
    subject: str
    actor: str
    address: str | None
    detail: dict[str, str | int | list[str] | None]


@require_safe
@member(Permission.AUDIT_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    found = list_audit(compartment, asked(request))
    entries = [_shown(row) for row in found.items]
    return page(request, "audit/list.html", compartment=compartment, page=found, entries=entries)


def _shown(row: AuditRow) -> dict[str, Any]:
    """Return the row for the template; `act` is None where it can't be read."""
    try:
        act = Act.model_validate_json(row.entry)
    except ValidationError:
        return {"position": row.position, "at": row.at, "act": None}
    return {"position": row.position, "at": row.at, "act": act, "detail": list(act.detail.items())}
