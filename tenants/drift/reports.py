"""What becomes of findings: a report in the registry, and an entry in the log of each tenant that they are about."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction

from tenants.actor import Actor
from tenants.drift.findings import LONGEST, Finding, key_of
from tenants.drift.reading import NAME_FORM, Known
from tenants.provisioning.journal import log
from tenants.records.audit import Detail
from tenants.registry.models import DriftReport, Tenant

logger: Final = logging.getLogger(__name__)

KEPT: Final = 100  # reports
_NAMED: Final = 20  # findings in one entry of a log
_ANY_NAME: Final = re.compile(NAME_FORM.strip("^$"))


def publish(tenants: Mapping[str, Known], findings: list[Finding], actor: Actor, *, whole: bool, using: str) -> None:
    last = DriftReport.objects.using(using).order_by("-id").first()
    told = {key_of(finding) for finding in last.findings if not finding["repaired"]} if last else set()
    by_tenant: dict[UUID, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.tenant_id is not None:
            by_tenant[finding.tenant_id].append(finding)
    for tenant in tenants.values():
        own = by_tenant.get(tenant.id, [])
        _tell(tenant, "drift.repaired", [each for each in own if each.repaired], actor, using)
        new = [each for each in own if not each.repaired and each.key not in told]
        _tell(tenant, "drift.found", new, actor, using)
    if whole:
        report = DriftReport(tenants=len(tenants), findings=[finding.as_json() for finding in findings])
        report.save(using=using)
        kept = DriftReport.objects.using(using).order_by("-id").values_list("id", flat=True)[:KEPT]
        DriftReport.objects.using(using).exclude(id__in=list(kept)).delete()


def _tell(tenant: Known, action: str, findings: list[Finding], actor: Actor, using: str) -> None:
    if not findings:
        return
    detail: Detail = {
        "count": len(findings),
        "findings": list(_lines(tenant.name, findings[:_NAMED])),
    }
    try:
        with transaction.atomic(using=using):
            log(Tenant(id=tenant.id, schema=tenant.name), actor, action, tenant.slug, detail, using=using)
    except DatabaseError:  # its log may be what is broken
        logger.warning("the log of tenant %s can't be written", tenant.id, exc_info=True)


def _lines(name: str, findings: Iterable[Finding]) -> Iterable[str]:
    for finding in findings:
        line = f"{finding.what}: {finding.declared or 'nothing'} declared, {finding.live or 'nothing'} found"
        # A neighbour's name is nothing for this log.
        yield _ANY_NAME.sub(lambda found: "this tenant" if found[0] == name else "another tenant", line)[:LONGEST]
