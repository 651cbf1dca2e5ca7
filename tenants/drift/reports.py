"""What becomes of findings: a report in the registry, and an entry in the log of each tenant that they are about."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import DatabaseError
from psycopg import sql

from tenants.actor import Actor
from tenants.drift.findings import BEHIND, LONGEST, Finding, key_of
from tenants.drift.reading import NAME_FORM, Known, patiently
from tenants.provisioning.acting import as_provisioner
from tenants.provisioning.journal import log
from tenants.records.audit import Detail
from tenants.registry.models import DriftReport, Tenant

logger: Final = logging.getLogger(__name__)

KEPT: Final = 100  # reports
_NAMED: Final = 20  # findings in one entry of a log
_LAST_SAID: Final = """
SELECT entry FROM {schema}.audit WHERE (%(since)s::timestamptz IS NULL OR at > %(since)s)
AND octet_length(entry) < 65536 AND entry LIKE '%%"action":"drift.%%' ORDER BY position DESC LIMIT 1"""
_ANY_NAME: Final = re.compile(NAME_FORM.strip("^$"))


def publish(tenants: Mapping[str, Known], findings: list[Finding], actor: Actor, *, whole: bool, using: str) -> None:
    """Keep a report of a `whole` comparison, then tell tenants' logs what is new since the last one.

    What tenants share has no log of its own: where that differs, an error with the counts goes to the process's log.
    A log that can't be written, which any session of its tenant's role can bring about, is told by the next comparison.
    """
    with patiently(using):
        last = DriftReport.objects.using(using).order_by("-id").first()
        report = _save(len(tenants), findings, using) if whole else None
    if whole:
        _report_shared([finding for finding in findings if finding.tenant_id is None and not finding.repaired])
    told = (
        {key_of(each) for each in last.findings if not each["repaired"] and each.get("told", True)} if last else set()
    )
    by_tenant: dict[UUID, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.tenant_id is not None and (finding.repaired or finding.key not in told):
            by_tenant[finding.tenant_id].append(finding)
    since = last.at if last else None
    concerned = [tenant for tenant in tenants.values() if tenant.id in by_tenant]
    untold = {each.subject for each in concerned if not _tell(each, by_tenant[each.id], actor, since, using)}
    if report and untold:
        for each in report.findings:
            each["told"] = each["subject"] not in untold
        report.save(using=using)


def _report_shared(findings: list[Finding]) -> None:
    # By the first word of what differs: role, registry, database, pg_catalog, …; tenants that are behind are no drift.
    counts = Counter(re.split(r"[ .]", finding.subject)[0] for finding in findings if finding.subject != BEHIND)
    if counts:
        parts = {"event": "drift.shared", "differences": dict(counts)}
        logger.error("what tenants share differs from what is declared", extra={"parts": parts})


def _save(tenants: int, findings: list[Finding], using: str) -> DriftReport:
    report = DriftReport(tenants=tenants, findings=[finding.as_json() for finding in findings])
    report.save(using=using)
    kept = DriftReport.objects.using(using).order_by("-id").values_list("id", flat=True)[:KEPT]
    DriftReport.objects.using(using).exclude(id__in=list(kept)).delete()
    return report


def _tell(tenant: Known, findings: list[Finding], actor: Actor, since: datetime | None, using: str) -> bool:
    """Write into a tenant's log; return whether it could be written."""
    repaired, new = ([each for each in findings if each.repaired is done] for done in (True, False))
    try:
        with patiently(using):
            if repaired:
                _log(tenant, "drift.repaired", repaired, actor, using)
            if new and not _is_said(tenant, new, since, using):
                _log(tenant, "drift.found", new, actor, using)
    except DatabaseError:  # held, or itself what is broken
        logger.warning("the log of tenant %s can't be written", tenant.id, exc_info=True)
        return False
    return True


def _log(tenant: Known, action: str, findings: list[Finding], actor: Actor, using: str) -> None:
    detail: Detail = {"count": len(findings), "findings": list(_lines(tenant.name, findings[:_NAMED]))}
    named = Tenant(id=tenant.id, slug=tenant.slug, schema=tenant.name)
    log(named, actor, action, tenant.slug, detail, using=using)


def _is_said(tenant: Known, findings: list[Finding], since: datetime | None, using: str) -> bool:
    """Say whether the last entry about drift since then says the same; comparisons of one tenant leave no report."""
    query = sql.SQL(_LAST_SAID).format(schema=sql.Identifier(tenant.name))
    with as_provisioner(using) as cursor:
        cursor.execute(query.as_string(cursor.connection), {"since": since})
        row = cursor.fetchone()
    try:
        entry = json.loads(row[0]) if row else {}
        said = entry["detail"]["findings"] if entry.get("action") == "drift.found" else []
        return set(_lines(tenant.name, findings[:_NAMED])) <= set(said)
    except (ValueError, LookupError, TypeError, AttributeError):  # whoever is inside can write an entry of any form
        return False


def _lines(name: str, findings: Iterable[Finding]) -> Iterable[str]:
    for finding in findings:
        line = f"{finding.what}: {finding.declared or 'nothing'} declared, {finding.live or 'nothing'} found"
        # A neighbour's name is nothing for this log.
        yield _ANY_NAME.sub(lambda found: "this tenant" if found[0] == name else "another tenant", line)[:LONGEST]
