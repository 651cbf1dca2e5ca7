"""Compare the live database with what code declares, put back what is safe, and leave a report.

It reads catalogs, a few statements for all tenants together, over a connection of the owner or of the provisioner.
Nothing is ever dropped: a table, a column, a schema or a role too many is for a person to look at.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from django.db import DatabaseError, connections, transaction

from tenants.actor import Actor
from tenants.drift import declared, privileges, roles, schemas, server
from tenants.drift.findings import Finding, Hand
from tenants.drift.reading import Known, tenants
from tenants.drift.reports import publish
from tenants.registry.models import Tenant

logger: Final = logging.getLogger(__name__)

_PATIENCE: Final = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '30s'"


@dataclass(frozen=True, slots=True)
class Comparison:
    tenants: int
    findings: list[Finding]

    @property
    def left(self) -> list[Finding]:
        return [finding for finding in self.findings if not finding.repaired]


def compare(actor: Actor, *, slug: str | None = None, repair: bool = False, using: str = "default") -> Comparison:
    """Compare all, or the tenant at `slug` alone; each tenant's log is told what is new. Raises Tenant.DoesNotExist.

    A comparison of all leaves a DriftReport.
    """
    only = None if slug is None else [Tenant.objects.using(using).get(slug=slug).id]
    known, findings = _find(using, only)
    findings = _confirmed(using, findings)
    if repair:
        tried = [finding for finding in findings if _put_back(using, finding)]
        findings = _after(findings, _find(using, only)[1]) if tried else findings
    publish(known, findings, actor, whole=only is None, using=using)
    return Comparison(len(known), findings)


def _find(using: str, only: Collection[UUID] | None) -> tuple[Mapping[str, Known], list[Finding]]:
    # One snapshot: a tenant that is being made or destroyed meanwhile is there wholly or not at all.
    with transaction.atomic(using=using, durable=True):
        with connections[using].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        known, whole = tenants(using, only), only is None
        found = [*roles.compare(using, known, whole=whole)]
        if whole:
            found += [*privileges.compare(using), *server.compare(using)]
        found += schemas.compare(using, known, whole=whole)
    return known, found


def _confirmed(using: str, findings: list[Finding]) -> list[Finding]:
    """Leave out what a second look at the same tenants does not show: a migration or an end came between.

    pg_get_indexdef and its kin tell what is true now, whatever the snapshot is.
    """
    ids = {finding.tenant_id for finding in findings if finding.tenant_id is not None}
    if not ids:
        return findings
    again = {finding.key for finding in _find(using, ids)[1]}
    return [finding for finding in findings if finding.tenant_id is None or finding.key in again]


def _put_back(using: str, finding: Finding) -> bool:
    """Say whether something was done about it; whether it helped is for the next comparison to say."""
    try:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute("SELECT session_user")
            (me,) = cursor.fetchone() or ("",)
            if finding.hand is Hand.PROVISIONER:
                cursor.execute("SET LOCAL ROLE bulkhead_provisioner")
            elif finding.hand is not Hand.OWNER or me != declared.OWNER:
                return False
            cursor.execute(_PATIENCE)
            cursor.execute(finding.remedy)
    except DatabaseError:
        logger.warning("could not put back: %s, %s", finding.subject, finding.what, exc_info=True)
        return False
    return True


def _after(before: list[Finding], now: list[Finding]) -> list[Finding]:
    """Return what was found, with what is gone marked as repaired, and what only shows now."""
    still = {(finding.subject, finding.what) for finding in now}
    repaired = [replace(each, repaired=True) for each in before if (each.subject, each.what) not in still]
    return repaired + now
