"""Proving many compartments: what is stored, what the night does, and who is told of an escape."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models.functions import Now
from django.test import override_settings

from portal.celery import app
from tenants import tasks
from tenants.databases.base import warm
from tenants.isolation import campaign
from tenants.isolation.attempt import Outcome
from tenants.isolation.campaign import prove_each, prove_stale, stale
from tenants.isolation.prove import CONNECT, Proof
from tenants.isolation.schedule import AT, FRESH
from tenants.records.models import AuditRow
from tenants.registry.models import IsolationProof, Tenant
from tests.conftest import Household, NewTenant, acting_as
from tests.tenants.isolation.conftest import Pair


def prove_all(*tenants: Tenant, jobs: int = 1) -> list[Proof]:
    with acting_as("worker"):
        return list(prove_each(tenants, jobs=jobs))


def test_a_proof_takes_the_place_of_the_last(pair: Pair) -> None:
    (first,) = prove_all(pair.own)
    assert first.holds
    stored = IsolationProof.objects.get(tenant=pair.own)
    assert stored.escapes == 0
    assert {row["outcome"] for row in stored.results} == {"held", "known"}
    assert len(stored.results) == len(first.results)
    prove_all(pair.own)
    assert IsolationProof.objects.get(tenant=pair.own).at > stored.at


def test_several_are_proven_at_once(pair: Pair) -> None:
    assert [proof.tenant.id for proof in prove_all(pair.own, pair.other, jobs=2) if proof.holds] == [
        pair.own.id,
        pair.other.id,
    ]


def test_an_escape_is_logged_and_stands_in_the_tenants_own_log(
    pair: Pair, household: Household, caplog: pytest.LogCaptureFixture
) -> None:
    pair.do(f"GRANT CREATE ON SCHEMA {household.tenant.schema} TO {household.tenant.schema}")
    with caplog.at_level(logging.ERROR, logger="tenants.isolation"):
        (proof,) = prove_all(household.tenant)
    assert proof.escapes
    assert f"isolation of tenant {household.tenant.id}: structure.table escaped" in caplog.text
    assert IsolationProof.objects.get(tenant=household.tenant).escapes == len(proof.escapes)
    with household.enter():
        last = AuditRow.objects.latest("position")
    assert '"action":"isolation.escaped"' in last.entry
    assert "structure.table" in last.entry


def test_one_that_can_not_connect_is_a_finding_and_the_rest_goes_on(
    pair: Pair, new_tenant: NewTenant, forget: Callable[[Tenant], None], caplog: pytest.LogCaptureFixture
) -> None:
    dead = new_tenant().tenant
    forget(dead)
    pair.do(f"ALTER ROLE {dead.schema} NOLOGIN")
    first, second = prove_all(dead, pair.own)
    assert [(result.key, result.outcome) for result in first.results] == [(CONNECT, Outcome.UNCLEAR)]
    assert not first.holds
    assert second.holds
    assert f"{dead.id}: connect proved nothing" in caplog.text
    assert IsolationProof.objects.get(tenant=dead).results[0]["key"] == CONNECT


def test_a_password_changed_meanwhile_is_no_finding(pair: Pair, household: Household) -> None:
    before = Tenant.objects.get(id=household.tenant.id)
    before.password_version = 99  # what was read before the password went back to version 1
    (proof,) = prove_all(before)
    assert proof.holds


def test_while_the_secret_is_replaced_the_former_password_will_do(pair: Pair) -> None:
    """The whole proof is made, not only that nobody got in."""
    with override_settings(DATABASE_SECRET=b"n" * 32, DATABASE_SECRET_FALLBACKS=[settings.DATABASE_SECRET]):
        (proof,) = prove_all(pair.own)
    assert proof.holds
    with override_settings(DATABASE_SECRET=b"n" * 32, DATABASE_SECRET_FALLBACKS=[]):
        (proof,) = prove_all(pair.own)
    assert [result.key for result in proof.unclear] == [CONNECT]


def test_a_tenant_destroyed_meanwhile_is_no_finding(
    pair: Pair, new_tenant: NewTenant, forget: Callable[[Tenant], None]
) -> None:
    gone = new_tenant().tenant
    pair.do(f"DROP SCHEMA {gone.schema} CASCADE; DROP ROLE {gone.schema}")
    for table in ("tenant_keys", "sealing_keys", "memberships"):
        pair.do(f"DELETE FROM registry.{table} WHERE tenant_id = '{gone.id}'")  # noqa: S608 - ours
    pair.do(f"DELETE FROM registry.tenants WHERE id = '{gone.id}'")  # noqa: S608 - ours
    assert prove_all(gone) == []


def test_a_neighbour_destroyed_meanwhile_is_no_finding(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["t_0000000000000000", pair.other.schema]
    monkeypatch.setattr("random.sample", lambda *_: names)
    (proof,) = prove_all(pair.own)
    assert proof.holds


def test_the_first_tenant_of_all_is_proven_without_neighbours(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.sample", lambda *_: [pair.own.schema])
    (proof,) = prove_all(pair.own)
    assert proof.holds
    assert "neighbours.schemas" in {result.key for result in proof.results}
    assert "neighbours.select" not in {result.key for result in proof.results}


def _only(monkeypatch: pytest.MonkeyPatch, *tenants: Tenant) -> None:
    """Leave the other tests' tenants out of the night."""
    every = campaign.standing
    monkeypatch.setattr(campaign, "standing", lambda: every().filter(id__in=[tenant.id for tenant in tenants]))


def _age(tenant: Tenant, age: timedelta) -> None:
    with acting_as("worker"):
        IsolationProof.objects.filter(tenant=tenant).update(at=Now() - age)


def test_the_night_begins_with_who_waited_longest(
    pair: Pair, household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only(monkeypatch, pair.own, pair.other, household.tenant)
    prove_all(pair.own, pair.other)
    _age(pair.own, FRESH + timedelta(minutes=1))
    _age(pair.other, FRESH + timedelta(minutes=2))
    assert list(stale()) == [household.tenant, pair.other, pair.own]


def test_a_slice_ends_and_the_next_goes_on_where_it_ended(
    pair: Pair, household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a worker that was killed does: what it finished is not done again."""
    _only(monkeypatch, pair.own, household.tenant)
    prove_all(pair.own)
    _age(pair.own, FRESH * 2)
    with acting_as("worker"):
        assert prove_stale(seconds=-1) is True
        assert list(stale()) == [pair.own]
        assert prove_stale(seconds=-1) is False
        assert prove_stale(seconds=-1) is False


def test_the_task_asks_for_itself_until_the_night_is_done(
    pair: Pair, household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only(monkeypatch, pair.own, household.tenant)
    prove_all(pair.own)
    _age(pair.own, FRESH * 2)
    woken: list[str] = []
    monkeypatch.setattr(tasks, "wake", woken.append)
    monkeypatch.setattr(tasks, "prove_stale", lambda: prove_stale(seconds=-1))
    with acting_as("worker"):
        tasks.prove_isolation()
        assert woken == ["prove_isolation"]
        tasks.prove_isolation()
    assert woken == ["prove_isolation"]
    assert not stale().exists()


def test_beat_runs_it_every_night() -> None:
    entry = app.conf.beat_schedule["prove_isolation"]
    assert entry["task"] in app.tasks or entry["task"] == tasks.prove_isolation.name
    assert (entry["schedule"].hour, entry["schedule"].minute) == ({AT.hour}, {AT.minute})
    assert "queue" not in entry.get("options", {})


def test_proving_leaves_no_connection_of_a_compartment_open(pair: Pair) -> None:
    before = set(warm.wrappers)
    prove_all(pair.own)
    assert set(warm.wrappers) == before
