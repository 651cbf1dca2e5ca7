"""The audit log: what every write leaves in its own transaction, and what a member may read of it."""

from __future__ import annotations

from tenants import limits
from tenants.compartment import Compartment, requires
from tenants.pagination import Page, PageRequest, by_position
from tenants.records.audit import AuditRow, entry
from tenants.registry.acts import note_act
from tenants.roles import Permission


def record(compartment: Compartment, action: str, subject: str = "", **detail: str | int | list[str] | None) -> None:
    """Add an act to the tenant's log, before any secret leaves.

    An act on the tenant's own tables calls it inside its transaction, and both are written or neither. An act on the
    registry, which is another connection's, calls it last inside *that* transaction: the log is committed first, so
    that it may name an act that then failed but never miss one that succeeded.

    Raises LimitReached for what the tenant has used up for today.
    """
    note_act(compartment.identity.id)
    limits.append(compartment, action, entry(compartment.actor, action, subject, detail))


@requires(Permission.AUDIT_LIST)
def list_audit(compartment: Compartment, page: PageRequest) -> Page[AuditRow]:
    return by_position(AuditRow.objects.all(), page)
