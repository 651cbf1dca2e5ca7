"""The audit log: who did what, when, from where, and as which build."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from ninja import Query, Router
from pydantic import Field

from portal.api.access import ApiRequest, member
from portal.api.schemas import PageQuery, Strict, Text, answers
from tenants.actions import audit
from tenants.actions.audit import MAX_ABOUT, MAX_SUBJECT
from tenants.roles import Permission

router = Router(tags=["audit"])


class AuditQuery(PageQuery):
    about: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=MAX_SUBJECT)]],
        Field(max_length=MAX_ABOUT, description="Subjects, or ids of records and people; empty for everything."),
    ] = Field(default_factory=list)


class EntryOut(Strict):
    """`entry` is the JSON that `hash` is over, with what stands beside it; see the documentation of the chain."""

    position: int
    at: datetime
    entry: str
    previous: str  # hex
    hash: str  # hex


class AuditPage(Strict):
    items: list[EntryOut]
    next: str | None


@router.get("audit", auth=member(Permission.AUDIT_LIST), response=answers(AuditPage))
def list_audit(request: ApiRequest, query: Query[AuditQuery]) -> AuditPage:
    """List the entries, newest first. With `about`, a page may be short or empty: go on while there is a `next`."""
    found = audit.list_audit(request.compartment, query.request(), query.about)
    items = [
        EntryOut(
            position=row.position,
            at=row.at,
            entry=row.entry,
            previous=bytes(row.previous).hex(),
            hash=bytes(row.hash).hex(),
        )
        for row in found.items
    ]
    return AuditPage(items=items, next=found.next)
