"""Passwords of tenants' roles change by themselves when they have come of age."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from tenants.records.models import Repository
from tenants.registry.models import Tenant
from tenants.rotation import passwords
from tests.conftest import Household, acting_as


def test_a_password_of_age_is_replaced_and_a_younger_one_is_not(household: Household, neighbour: Household) -> None:
    Tenant.objects.using("provisioner").filter(id=household.tenant.id).update(
        password_changed_at=Now() - timedelta(days=14)
    )
    with acting_as("provisioner"):
        assert household.tenant.id in passwords.aged()
        assert neighbour.tenant.id not in passwords.aged()
        assert not passwords.rotate_due(seconds=60.0)
        assert household.tenant.id not in passwords.aged()
    changed, kept = (Tenant.objects.get(id=house.tenant.id) for house in (household, neighbour))
    assert changed.password_version > household.tenant.password_version
    assert kept.password_version == neighbour.tenant.password_version
    with household.enter():
        assert not Repository.objects.exists()


def test_a_slice_ends_in_time(household: Household) -> None:
    Tenant.objects.using("provisioner").filter(id=household.tenant.id).update(
        password_changed_at=Now() - timedelta(days=14)
    )
    with acting_as("provisioner"):
        assert passwords.rotate_due(seconds=-1.0)
        assert household.tenant.id in passwords.aged()
        assert not passwords.rotate_due(seconds=60.0)
