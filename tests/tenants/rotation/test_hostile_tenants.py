"""Tenants that hold up their own rotation, on purpose or by damage: the others' goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from django.db import connections
from django.db.models import Max
from django.test import override_settings

from portal.demo.embedded import Stack
from tenants import tasks
from tenants.records.models import KeyUse
from tenants.registry.models import TenantKey
from tenants.rotation import campaign, due, passwords, schedule
from tests.conftest import NO_LIMITS, Household, NewTenant, acting_as, as_own_role
from tests.tenants.rotation.conftest import ACTOR, age, turn


@pytest.fixture
def intruder(furnished: Household, stack: Stack) -> Iterator[psycopg.Connection]:
    """A session of the tenant's own role, which has none of the limits that its sessions are set to."""
    with as_own_role(furnished.tenant, stack, options=NO_LIMITS) as own:
        yield own


@pytest.fixture
def damaged(new_tenant: NewTenant) -> Iterator[Household]:
    """A tenant whose key, as the registry has it, is not what the key service wrapped."""
    house = new_tenant()
    rows = TenantKey.objects.using("provisioner").filter(tenant=house.tenant)
    whole = bytes(rows.get().wrapped)
    rows.update(wrapped=whole[:-1] + bytes([255 - whole[-1]]))
    yield house
    rows.update(wrapped=whole)


def newest(house: Household) -> int:
    found: int = TenantKey.objects.filter(tenant=house.tenant).aggregate(newest=Max("version"))["newest"]
    return found


def test_a_count_that_is_held_hides_no_other(
    furnished: Household, intruder: psycopg.Connection, neighbour: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "PATIENCE", "SET LOCAL lock_timeout = '50ms'")
    both = f"n.nspname IN ('{furnished.tenant.schema}', '{neighbour.tenant.schema}')"  # however many others there are
    monkeypatch.setattr(due, "_COUNTED", due._COUNTED.replace("WHERE", f"WHERE {both} AND"))
    with neighbour.enter():
        uses = KeyUse.objects.get(version=1).uses
    intruder.execute("LOCK TABLE key_uses IN ACCESS EXCLUSIVE MODE")
    begun = time.monotonic()
    with acting_as("provisioner"), override_settings(KEY_MAX_USES=uses):
        found = due.worn()
        intruder.rollback()
        assert time.monotonic() - begun < 10
        assert neighbour.tenant.id in found
        assert furnished.tenant.id not in found
        assert furnished.tenant.id not in due.worn(), "it is not waited for again at once"


def test_a_damaged_key_is_told_and_ends_no_campaign(
    damaged: Household, furnished: Household, caplog: pytest.LogCaptureFixture
) -> None:
    assert turn(damaged, "test").failure == "one of its keys can't be unwrapped: the ciphertext does not open"
    age(damaged, timedelta(days=900))
    age(furnished, timedelta(days=800))
    with acting_as("provisioner"), caplog.at_level(logging.ERROR, "tenants.rotation.campaign"):
        for _ in range(2):  # a slice has time for one tenant, and the first is the one whose key is the oldest
            assert campaign.rotate_due(seconds=0.0)
    assert (newest(damaged), newest(furnished)) == (1, 2)
    assert [vars(record)["parts"]["tenant"] for record in caplog.records if "parts" in vars(record)] == [
        str(damaged.tenant.id)
    ]


def test_who_gets_nowhere_wakes_nobody_and_has_a_share_of_the_time(
    furnished: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn(furnished, "test")
    with furnished.enter() as inside, connections[inside.alias].cursor() as cursor:  # it says that version 1 wrapped it
        cursor.execute("UPDATE parameter_versions SET sealed = overlay(sealed PLACING %s FROM 23)", [b"\0\0\0\1"])
    monkeypatch.setattr(schedule, "SHARE_SECONDS", 0.0)
    with acting_as("provisioner"):
        for _ in range(40):
            if not campaign.rotate_due(seconds=20.0):
                break
        else:
            pytest.fail("there is always somebody to go on with")
        assert furnished.tenant.id in due.unfinished()
        (outcome,) = campaign.rotate_each(iter([(furnished.tenant.id, "")]), ACTOR, end=time.monotonic() + 60)
    assert (outcome.cut_off, outcome.changed, outcome.failure[:20]) == (True, False, "4 items do not open:")


def test_a_password_that_fails_is_put_aside(household: Household, administrator: psycopg.Connection) -> None:
    name = household.tenant.schema
    administrator.execute(
        "UPDATE registry.tenants SET password_changed_at = now() - interval '900 days' WHERE id = %s",
        [household.tenant.id],
    )
    administrator.execute(f"ALTER ROLE {name} RENAME TO {name}_gone")
    try:
        with acting_as("provisioner"):
            assert not passwords.rotate_due(seconds=60.0)
            assert household.tenant.id in passwords.aged()
            assert not passwords.rotate_due(seconds=-1.0), "nobody is left to go on with"
    finally:
        administrator.execute(f"ALTER ROLE {name}_gone RENAME TO {name}")


def test_no_task_of_the_provisioners_runs_for_ever() -> None:
    every = (tasks.provision, tasks.compare_declared, tasks.rotate_keys, tasks.rotate_database_passwords)
    # Redis gives away anew what is not acknowledged after ten minutes.
    assert all(0 < (task.soft_time_limit or 0) < (task.time_limit or 0) < 600 for task in every)
