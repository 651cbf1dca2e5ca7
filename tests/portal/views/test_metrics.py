"""What Prometheus reads: numbers for whoever has the token, naming no tenant, and moving with what they count."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Final

import psycopg
import pytest
from django.test import override_settings
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from tenants.registry.models import DriftReport, Due, IsolationProof, Tenant
from tests.conftest import Household
from tests.portal.views.conftest import Answer, NewVisitor

TOKEN: Final = "kittiwake-metrics-token"
ADDRESS: Final = "/health/metrics"

Numbers = dict[str, float]


def ask(visit: NewVisitor, authorization: str = f"Bearer {TOKEN}") -> Answer:
    with override_settings(METRICS_TOKEN=TOKEN):
        return visit().client.get(ADDRESS, headers={"Authorization": authorization})


def numbers(visit: NewVisitor) -> Numbers:
    families = text_string_to_metric_families(ask(visit).content.decode())
    return {"".join([each.name, *each.labels.values()]): each.value for family in families for each in family.samples}


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN} "])
def test_nobody_else_reads_them(visit: NewVisitor, authorization: str) -> None:
    answer = ask(visit, authorization)
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_without_a_token_there_is_no_such_address(visit: NewVisitor) -> None:
    assert visit().get(ADDRESS).status_code == 404
    assert visit().client.get(ADDRESS, headers={"Authorization": "Bearer "}).status_code == 404


def test_they_are_read_and_name_no_tenant(visit: NewVisitor, household: Household) -> None:
    answer = ask(visit)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    for secret in (household.slug, household.tenant.schema, str(household.tenant.id)):
        assert secret not in answer.content.decode()


@pytest.mark.usefixtures("no_worker", "no_backlog")
def test_they_move_with_what_they_count(
    visit: NewVisitor, household: Household, administrator: psycopg.Connection
) -> None:
    # What earlier tests left must not become due in between.
    administrator.execute(
        "UPDATE registry.due SET due_at = now() + interval '1 hour' WHERE due_at > now() - interval '1 min'"
    )
    before, tenant = numbers(visit), household.tenant
    IsolationProof.objects.using("worker").filter(tenant=tenant).delete()
    changed = Tenant.objects.using("provisioner").filter(id=tenant.id)
    changed.update(state="suspended", schema_version="0000_older", schema_failure="x")
    due = Due.objects.using("worker").create(
        tenant=tenant, kind=Due.Kind.DELIVER, message_id=uuid.uuid4(), due_at=timezone.now() - timedelta(hours=1)
    )
    findings = [{"repaired": False}, {"repaired": True}, {"repaired": False}]
    report = DriftReport.objects.using("provisioner").create(tenants=1, findings=findings)
    proof = IsolationProof.objects.using("worker").create(tenant=tenant, results=[], escapes=3)
    try:
        after = numbers(visit)
    finally:
        report.delete(using="provisioner")
        due.delete(using="worker")
        proof.delete(using="worker")
        changed.update(state="active", schema_version=tenant.schema_version, schema_failure="")
    moved = {name: after[name] - before.get(name, 0) for name in after}
    assert moved["bulkhead_tenantsactive"] == -1
    assert moved["bulkhead_tenantssuspended"] == 1
    assert moved["bulkhead_tenants_behind"] == 1
    assert moved["bulkhead_tenants_failed"] == 1
    assert moved["bulkhead_tenants_unproven"] == -1
    assert moved["bulkhead_isolation_escapes"] == 3
    assert moved["bulkhead_due_waiting"] == 1
    assert after["bulkhead_drift_findings"] == 2
    assert 0 <= after["bulkhead_drift_report_age_seconds"] < 60
    assert after["bulkhead_isolation_oldest_proof_age_seconds"] >= 0


def test_a_proof_that_proves_nothing_does_not_look_healthy(visit: NewVisitor, household: Household) -> None:
    ages, unclear = "bulkhead_isolation_oldest_proof_age_seconds", "bulkhead_isolation_unclear"
    results = [{"key": "own.read", "outcome": "held"}, {"key": "server.x", "outcome": "unclear"}]
    proofs = IsolationProof.objects.using("worker")
    before = numbers(visit)
    proofs.update_or_create(tenant=household.tenant, defaults={"escapes": 0, "results": results})
    try:
        proofs.filter(tenant=household.tenant).update(at=timezone.now() - timedelta(days=9999))
        after = numbers(visit)
        proofs.filter(tenant=household.tenant).update(results=results[:1])
        cleared = numbers(visit)
    finally:
        proofs.filter(tenant=household.tenant).delete()
    assert after[unclear] - before[unclear] == 1
    assert after.get(ages, 0) < 9998 * 86400 < cleared[ages]
    assert cleared[unclear] == before[unclear]
