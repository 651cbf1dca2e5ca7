"""Administration as code: typed migration operations, applied with the owner's role, seen in the tenant's own log."""

from __future__ import annotations

import uuid

import pytest

from tenants.errors import Invalid, Suspended
from tenants.operations import CreateTenant, ReinstateTenant, SuspendTenant
from tenants.registry.models import Membership, Person, Tenant, TenantState
from tests.conftest import Household
from tests.tenants.operations.conftest import acts, apply


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
