"""Administration as code: typed migration operations, applied with the owner's role, seen in the tenant's own log."""

from __future__ import annotations

import json
import uuid

import pytest
from django.db import connections, migrations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState

from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.errors import Invalid, Suspended
from tenants.operations import CreateTenant, ReinstateTenant, SuspendTenant
from tenants.operations.lifecycle import TenantOperation
from tenants.records.models import AuditRow
from tenants.registry.models import Membership, Person, Tenant, TenantState
from tests.conftest import Household


def apply(*operations: TenantOperation, backwards: bool = False) -> None:
    """Run the operations as a migration of an operator's app would, with the owner's database role."""
    migration = type("Migration", (migrations.Migration,), {"operations": list(operations)})("0001_act", "operations")
    executor = MigrationExecutor(connections["owner"])
    state = ProjectState()
    with executor.connection.schema_editor(atomic=True) as editor:
        if backwards:
            migration.unapply(state, editor)
        else:
            migration.apply(state, editor)


def acts(tenant: Tenant) -> list[dict[str, object]]:
    with enter_as_system(tenant.id, Actor.system("test")):
        return [json.loads(row.entry) for row in AuditRow.objects.order_by("position")]


def test_an_operator_creates_a_tenant_for_somebody_not_seen_yet() -> None:
    slug, uid = f"t{uuid.uuid4().hex[:8]}", str(uuid.uuid4().int % 10**9)
    apply(CreateTenant(slug, name="By Contract", owner=("github", uid)))
    tenant = Tenant.objects.get(slug=slug)
    person = Person.objects.get(provider="github", uid=uid)
    assert Membership.objects.get(tenant=tenant).person == person
    (act,) = acts(tenant)
    assert (act["action"], act["actor_kind"], act["actor"]) == ("tenant.created", "operator", "operations")


def test_a_suspended_tenant_is_told_why_and_reinstated(household: Household) -> None:
    apply(SuspendTenant(household.slug, reason="The invoice of March is open."))
    with pytest.raises(Suspended, match="invoice of March"), household.enter():
        pass
    apply(ReinstateTenant(household.slug, reason="Paid."))
    with household.enter():
        pass
    assert [act["action"] for act in acts(household.tenant)][1:] == ["tenant.suspended", "tenant.active"]
    assert Tenant.objects.get(id=household.tenant.id).state_reason == ""


def test_suspending_is_reversible(household: Household) -> None:
    operation = SuspendTenant(household.slug, reason="A mistake.")
    apply(operation)
    apply(operation, backwards=True)
    assert Tenant.objects.get(id=household.tenant.id).state == TenantState.ACTIVE


def test_a_migration_that_fails_leaves_nothing(household: Household) -> None:
    slug = f"t{uuid.uuid4().hex[:8]}"
    with pytest.raises(Tenant.DoesNotExist):
        apply(
            SuspendTenant(household.slug, reason="Not for long."),
            CreateTenant(slug, name="Never", owner=("github", "1")),
            SuspendTenant("no-such-tenant", reason="?"),
        )
    assert Tenant.objects.get(id=household.tenant.id).state == TenantState.ACTIVE
    assert not Tenant.objects.filter(slug=slug).exists()


def test_bad_operations_are_refused_as_they_are_written() -> None:
    with pytest.raises(Invalid, match="slug"):
        SuspendTenant("No Slug", reason="x")
    with pytest.raises(Invalid, match="reason"):
        SuspendTenant("good-slug", reason="")
    with pytest.raises(ValueError, match="gitlab"):
        CreateTenant("good-slug", name="x", owner=("gitlab", "1"))


def test_there_is_no_admin_and_no_superuser(settings: object) -> None:
    assert "django.contrib.admin" not in settings.INSTALLED_APPS  # type: ignore[attr-defined]
    assert not hasattr(Person, "is_superuser")
    assert not hasattr(Person, "password")
