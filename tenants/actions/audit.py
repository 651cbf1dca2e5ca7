"""The audit log: what every write leaves in its own transaction, and what a member may read of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db.models import Q

from tenants import limits
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid
from tenants.pagination import Page, PageRequest, among_newest, by_position
from tenants.records.audit import LOOKED_AT, AuditRow, entry
from tenants.records.models import Parameter
from tenants.registry.acts import note_act
from tenants.roles import Permission

MAX_ABOUT: Final = 4
MAX_SUBJECT: Final = 300  # characters


def record(compartment: Compartment, action: str, subject: str = "", **detail: str | int | list[str] | None) -> None:
    """Add an act to the tenant's log, before any secret leaves.

    An act on the tenant's own tables calls it inside its transaction, and both are written or neither. An act on the
    registry, which is another connection's, calls it last inside *that* transaction: the log is committed first, so
    that it may name an act that then failed but never miss one that succeeded.

    Raises LimitReached for what the tenant has used up for today.
    """
    note_act(compartment.identity.id)
    limits.append(compartment, action, entry(compartment.actor, action, subject, detail))


def ids(parameter: Parameter) -> dict[str, str]:
    """Return what of an act's detail tells which parameter, `of` which set."""
    return {"id": str(parameter.id), "of": str(parameter.set_id)}


@requires(Permission.AUDIT_LIST)
def list_audit(compartment: Compartment, page: PageRequest, about: Sequence[str] = ()) -> Page[AuditRow]:
    """Return the newest entries; with `about`, those about any of these records or people (ids) or subjects (names).

    A page is then looked for in LOOKED_AT entries, and may be short or empty though `next` goes on.
    """
    if not about:
        return by_position(AuditRow.objects.all(), page)
    if len(about) > MAX_ABOUT or any(len(each) > MAX_SUBJECT or "\x00" in each for each in about):
        raise Invalid({"about": f"Name at most {MAX_ABOUT} subjects or ids, of at most {MAX_SUBJECT} characters."})
    return among_newest(AuditRow.objects.all(), _named(about), page, LOOKED_AT)


def _named(about: Sequence[str]) -> Q:
    """Match the JSON that an entry is. Within its texts a quote is escaped, so that none of them can look like this."""
    named = Q()
    for each in about:
        text = json.dumps(each, ensure_ascii=False)
        named |= Q(entry__contains=f":{text}" if _is_id(each) else f'"subject":{text}')
    return named


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
