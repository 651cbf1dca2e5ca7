"""A destroyed tenant is gone whole, or is there whole; what it leaves is a certificate, and an address never reused."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connections
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from tenants import certificates
from tenants.actions import tenancies
from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.databases.base import close_compartments
from tenants.drift.findings import Finding, Hand
from tenants.errors import Invalid, NotFound
from tenants.keyrings import keyring_of
from tenants.operations import CreateTenant, DestroyTenant, ReinstateTenant, SuspendTenant
from tenants.operations.destruction import LOCK_TIMEOUT
from tenants.provisioning.provision import create_tenant
from tenants.records.models import Parameter, ParameterVersion
from tenants.registry.models import Certificate, DriftReport, Tenant, TenantRequest
from tests.conftest import Household
from tests.tenants.conftest import Send
from tests.tenants.operations.conftest import acts, apply, destroy, destruction, suspend, traces


def reported(*tenants: Tenant) -> DriftReport:
    """Let drift find something about each role, and about each schema."""
    findings = [
        Finding(subject, "role setting", tenant.schema, "", Hand.PROVISIONER, "", tenant.id).as_json()
        for tenant in tenants
        for subject in (f"tenant {tenant.slug}", "database")
    ]
    return DriftReport.objects.using("provisioner").create(tenants=len(tenants), findings=findings)


def test_nothing_of_it_is_left_but_the_certificate(
    stocked: Household, neighbour: Household, send: Send, administrator: psycopg.Connection
) -> None:
    send(deliver=False)
    report = reported(stocked.tenant, neighbour.tenant)
    everywhere = {"tenants", "tenant_keys", "due", "connections", "memberships", "drift_reports"}
    assert traces(administrator, stocked.tenant) > everywhere
    suspend(stocked.tenant)
    destroy(stocked.tenant)
    assert traces(administrator, stocked.tenant) == {"certificates"}
    last = acts(neighbour.tenant)[-1]
    assert (last["action"], last["subject"]) == ("connection.ended", stocked.slug)
    assert (last["actor_kind"], last["detail"]) == ("operator", {"because": "tenant destroyed"})
    report.refresh_from_db()
    assert [finding["live"] for finding in report.findings] == [""] * 2
    assert {finding["declared"] for finding in report.findings} == {neighbour.tenant.schema}
    report.delete(using="provisioner")


def test_the_certificate_states_what_was_there(stocked: Household) -> None:
    with stocked.enter() as inside:
        before = certificates.notice(inside)
    suspend(stocked.tenant)
    entries = len(acts(stocked.tenant))
    destroy(stocked.tenant)
    statement = certificates.issued(stocked.tenant.id).statement
    assert statement["tenant"] == before["tenant"]
    assert statement["keys"] == before["keys"]
    assert statement["audit"]["position"] == entries == before["audit"]["position"] + 1  # the suspension
    assert (statement["rows"]["parameters"], statement["rows"]["audit"]) == (1, entries)
    assert statement["operation"]["app"] == "operations"
    assert statement["reason"] == "contract-ended"


def test_an_active_tenant_is_not_destroyed(household: Household) -> None:
    with pytest.raises(ValueError, match="suspend it first"):
        destroy(household.tenant)
    with household.enter():
        pass


def test_slug_and_id_must_name_one_tenant(household: Household, neighbour: Household) -> None:
    suspend(household.tenant)
    suspend(neighbour.tenant)
    wrong = DestroyTenant(household.slug, tenant_id=str(neighbour.tenant.id), reason="contract-ended")
    with pytest.raises(ValueError, match="Check both"):
        apply(wrong)
    assert Tenant.objects.filter(id__in=[household.tenant.id, neighbour.tenant.id]).count() == 2


def test_it_is_written_without_slips_and_never_undone(household: Household) -> None:
    with pytest.raises(ValueError, match="no-longer-liked"):
        DestroyTenant(household.slug, tenant_id=str(uuid.uuid4()), reason="no-longer-liked")
    with pytest.raises(ValueError, match="UUID"):
        DestroyTenant(household.slug, tenant_id=household.slug, reason="contract-ended")
    suspend(household.tenant)
    destroy(household.tenant)
    with pytest.raises(IrreversibleError):
        apply(destruction(household.tenant), backwards=True)
    with pytest.raises(ValueError, match="destroyed already"):
        destroy(household.tenant)


def test_a_destruction_that_is_taken_back_leaves_a_tenant_to_reinstate(household: Household) -> None:
    suspend(household.tenant)
    with pytest.raises(Tenant.DoesNotExist):
        apply(destruction(household.tenant), SuspendTenant("no-such-tenant", reason="?"))
    apply(ReinstateTenant(household.slug, reason="After all."))
    close_compartments()
    with household.enter():
        assert Parameter.objects.count() == 0


def test_its_address_is_never_given_away_again(household: Household) -> None:
    suspend(household.tenant)
    destroy(household.tenant)
    with pytest.raises(Invalid) as refused:
        tenancies.request_tenant(household.actor(), name="Another", slug=household.slug)
    assert "never given away again" in refused.value.fields["slug"]
    with pytest.raises(Invalid, match="slug"):
        apply(CreateTenant(household.slug, name="Another", owner=("github", "1")))
    with pytest.raises(Invalid, match="slug"):
        create_tenant(
            tenant_id=uuid.uuid4(),
            slug=household.slug,
            name="Another",
            owner_id=None,
            actor=Actor.system("provisioning"),
            using="provisioner",
        )
    assert not TenantRequest.objects.filter(slug=household.slug).exists()


def test_nobody_enters_from_that_moment_whatever_is_in_memory(stocked: Household) -> None:
    with stocked.enter() as inside:
        keyring_of(inside.tenant.id)
        version = ParameterVersion.objects.get()
        suspend(stocked.tenant)
        destroy(stocked.tenant)
        # This process holds the unwrapped key still, and whoever was inside holds a session: it was ended.
        assert keyring_of(inside.tenant.id)
        with pytest.raises(OperationalError):
            Parameter.objects.count()
    assert version.sealed
    with pytest.raises(NotFound), stocked.enter():
        pass
    with pytest.raises(NotFound), enter_as_system(stocked.tenant.id, Actor.system("test"), suspended=True):
        pass


def test_whoever_holds_its_tables_is_waited_for_and_then_named(
    household: Household, administrator: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LOCK_TIMEOUT == "10s"
    suspend(household.tenant)
    with administrator.transaction(), monkeypatch.context() as hasty:
        hasty.setattr("tenants.operations.destruction.LOCK_TIMEOUT", "100ms")
        administrator.execute(f"LOCK TABLE {household.tenant.schema}.parameters IN ACCESS SHARE MODE")
        with pytest.raises(TimeoutError, match="nothing was destroyed"):
            destroy(household.tenant)
    destroy(household.tenant)
    assert Certificate.objects.filter(tenant_id=household.tenant.id).exists()


MIGRATION = """
from django.db import migrations
from tenants.operations import DestroyTenant, SuspendTenant

class Migration(migrations.Migration):
    dependencies = {dependencies}
    operations = [{operation}]
"""


def test_the_migration_that_it_was_is_named(household: Household, settings: Any, tmp_path: Path) -> None:
    """Two files of an operator's, applied by Django; an app without migrations of its own lends its label."""
    app, package, tenant = "lucide", f"closing_{uuid.uuid4().hex[:8]}", household.tenant
    suspension = f"SuspendTenant('{tenant.slug}', reason='The contract has ended.')"
    ending = f"DestroyTenant('{tenant.slug}', tenant_id='{tenant.id}', reason='customer-request')"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    for name, dependencies, operation in (("0001_suspend", [], suspension), ("0002_end", ["0001_suspend"], ending)):
        after = [(app, name) for name in dependencies]
        text = MIGRATION.format(dependencies=after, operation=operation)
        (tmp_path / package / f"{name}.py").write_text(text)
    settings.MIGRATION_MODULES = {**settings.MIGRATION_MODULES, app: package}
    with _importable(tmp_path):
        MigrationExecutor(connections["owner"]).migrate([(app, "0002_end")])
    MigrationRecorder(connections["owner"]).migration_qs.filter(app=app).delete()
    statement = certificates.issued(tenant.id).statement
    assert statement["operation"] == {"app": app, "migration": "0002_end"}
    assert statement["reason"] == "customer-request"


@contextmanager
def _importable(directory: Path) -> Iterator[None]:
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path.remove(str(directory))
