"""The audit log, newest first."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_safe
from pydantic import BaseModel, ValidationError

from portal.guards import MemberRequest, member
from portal.views.answers import asked, page
from tenants.actions.audit import list_audit
from tenants.compartment import Compartment
from tenants.records.models import AuditRow
from tenants.roles import Permission

_NAMED: Final = ("id", "of")  # shown by the subject, and looked for by it


class Act(BaseModel):
    """What of an entry is shown. A row can't be taken back, so one that says something else must not break the page."""

    action: str
    subject: str
    actor: str
    address: str | None
    build: UUID | None = None
    detail: dict[str, str | int | list[str] | None]


@require_safe
@member(Permission.AUDIT_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    about = request.GET.getlist("about")
    found = list_audit(compartment, asked(request), about)
    entries = [_shown(row) for row in found.items]
    also = "".join(f"{urlencode({'about': each})}&" for each in about)
    return page(
        request, "audit/list.html", compartment=compartment, page=found, entries=entries, about=about, also=also
    )


def _shown(row: AuditRow) -> dict[str, Any]:
    """Return the row for the template; `act` is None where it can't be read."""
    try:
        act = Act.model_validate_json(row.entry)
    except ValidationError:
        return {"position": row.position, "at": row.at, "act": None}
    detail = [(name, value) for name, value in act.detail.items() if name not in _NAMED]
    about = [str(each) for each in (act.detail.get("id"), act.subject) if each]
    return {
        "position": row.position,
        "at": row.at,
        "act": act,
        "detail": detail,
        "about": urlencode({"about": about}, doseq=True),
    }
