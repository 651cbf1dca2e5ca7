"""The audit log: what every write leaves in its own transaction, and what a member may read of it."""

from __future__ import annotations

from tenants.compartment import Compartment
from tenants.pagination import Page, PageRequest, by_position
from tenants.records.audit import AuditRow, append, entry
from tenants.roles import Permission, requires


def record(compartment: Compartment, action: str, subject: str = "", **detail: str | int | list[str] | None) -> None:
    """Add an act to the tenant's log. Call it inside the act's own transaction, before any secret leaves."""
    append(compartment.alias, entry(compartment.actor, action, subject, detail))


@requires(Permission.AUDIT_LIST)
def list_audit(compartment: Compartment, page: PageRequest) -> Page[AuditRow]:
    return by_position(AuditRow.objects.all(), page)
