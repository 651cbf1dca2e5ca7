"""New passwords for tenants' roles, while requests go on; and what becomes of a run that is cut off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from django.db import OperationalError, connections, transaction
from psycopg import sql

from portal.demo.children import ROOT
from portal.demo.embedded import Stack
from tenants.actor import Actor
from tenants.databases import Entered, entered
from tenants.databases.base import close_compartments
from tenants.provisioning import passwords
from tenants.provisioning.passwords import Campaign, Outcome, campaign, rotate
from tenants.records.models import AuditRow, Repository
from tenants.registry.models import Tenant
from tests.conftest import Household, as_own_role
from tests.portal.api.conftest import new_token, text_of
from tests.tenants.databases.conftest import Backends
from tests.tenants.databases.hammer import hammering

ACTOR = Actor.operator("test")


def rotate_now(house: Household, times: int = 1) -> list[Outcome]:
    """Rotate one tenant in a thread of its own, with the provisioner's rights."""

    def work() -> list[Outcome]:
        outcomes: list[Outcome] = []
        for _ in range(times):
            plan = campaign(slug=house.slug, using="provisioner")
            outcomes += rotate(iter(plan.tenants), plan.version, ACTOR, using="provisioner")
        return outcomes

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def rotate_under(house: Household, *requests: Callable[[], object]) -> list[Outcome]:
    """Rotate 25 times, and again while there were fewer requests; none of them may fail."""
    outcomes: list[Outcome] = []
    with hammering(*requests) as tally:
        while (not outcomes or tally.done <= 25) and not tally.failures:
            outcomes += rotate_now(house, times=25)
    assert tally.failures == []
    return outcomes


def version_of(house: Household) -> int:
    return Tenant.objects.get(id=house.tenant.id).password_version


def connect(stack: Stack, house: Household, version: int) -> None:
    as_own_role(house.tenant, stack, version=version).close()


def visit(house: Household) -> None:
    with house.enter():
        assert Repository.objects.count() == 0


def test_the_old_password_is_refused_and_the_new_one_taken(household: Household, stack: Stack) -> None:
    connect(stack, household, 1)
    (outcome,) = rotate_now(household)
    assert outcome == Outcome(household.tenant.id, rotated=True)
    connect(stack, household, version_of(household))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(stack, household, 1)


def test_the_tenants_log_tells_of_it_without_a_secret(household: Household) -> None:
    rotate_now(household)
    with household.enter():
        row = AuditRow.objects.get(entry__contains='"tenant.password_rotated"')
    assert json.loads(row.entry)["detail"] == {"version": 2}
    assert "SCRAM" not in row.entry


def test_what_was_opened_with_the_old_password_is_not_used_again(household: Household, backends: Backends) -> None:
    visit(household)
    (before,) = backends(household)
    rotate_now(household)
    visit(household)
    (after,) = backends(household, until=1)
    assert before != after


def test_who_read_the_version_just_before_connects_just_after(household: Household) -> None:
    close_compartments()
    with household.enter() as inside:
        stale = entered.get()
        rotate_now(household)
        assert Repository.objects.count() == 0  # the context still tells the old version
        assert stale == entered.get() == Entered(inside.alias, 1)
    with household.enter(), transaction.atomic(using=household.tenant.schema):
        assert Repository.objects.count() == 0


def test_a_transaction_under_way_is_not_disturbed(household: Household) -> None:
    with household.enter() as inside, inside.transaction():
        Repository.objects.create(name="kept", url="", labels=[])
        rotate_now(household)
        assert Repository.objects.count() == 1


def test_no_request_fails_while_passwords_rotate(household: Household, neighbour: Household) -> None:
    def fresh(house: Household) -> None:
        visit(house)
        close_compartments()

    requests = [lambda: fresh(household), lambda: fresh(household), lambda: visit(household), lambda: visit(neighbour)]
    outcomes = rotate_under(household, *requests)
    assert [outcome.failure for outcome in outcomes if outcome.failure] == []


def test_the_running_portal_answers_every_request_meanwhile(household: Household, portal_url: str) -> None:
    headers = {"Authorization": f"Bearer {text_of(new_token(household))}"}

    def ask() -> None:
        answer = httpx.get(f"{portal_url}/api/v1/tenants/{household.slug}/repositories", headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text

    rotations = 0
    with hammering(ask, ask, ask) as tally:
        while (tally.done < 40 or rotations < 10) and not tally.failures:
            rotations += len(rotate_now(household))
    assert tally.failures == []


def test_a_password_that_the_tenants_own_role_changed_is_healed(household: Household) -> None:
    with household.enter() as inside, connections[inside.alias].cursor() as cursor:
        cursor.execute("ALTER ROLE CURRENT_USER PASSWORD 'mine'")
    close_compartments()
    with pytest.raises(OperationalError, match="password authentication failed"):
        visit(household)
    rotate_now(household)
    visit(household)


def test_a_refused_rotation_changes_nothing_and_is_told(household: Household, stack: Stack) -> None:
    plan = campaign(slug=household.slug, using="provisioner")
    with ThreadPoolExecutor(1) as thread:  # the web's role may not change tenants
        (outcome,) = thread.submit(lambda: list(rotate(iter(plan.tenants), plan.version, ACTOR))).result()
    assert not outcome.rotated
    assert "permission denied" in outcome.failure
    assert version_of(household) == 1
    connect(stack, household, 1)


def test_two_runs_of_one_campaign_rotate_each_tenant_once(household: Household, neighbour: Household) -> None:
    plan = Campaign(7, (household.tenant.id, neighbour.tenant.id) * 4)

    def work(_: int) -> list[Outcome]:
        return list(rotate(iter(plan.tenants), plan.version, ACTOR, using="provisioner"))

    with ThreadPoolExecutor(2) as threads:
        outcomes = [outcome for done in threads.map(work, range(2)) for outcome in done]
    assert [outcome.failure for outcome in outcomes] == [""] * 16
    assert sum(outcome.rotated for outcome in outcomes) == 2
    assert version_of(household) == version_of(neighbour) == 7


def command(stack: Stack, process: str, *arguments: str) -> tuple[int, Any, str]:
    line = [sys.executable, "manage.py", "rotate_database_passwords", "--json", *arguments]
    environment = {**os.environ, **stack.environment(process)}  # type: ignore[arg-type]  # a process's name
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600)
    return done.returncode, json.loads(done.stdout or "null"), done.stderr


def test_the_command_rotates_all_and_finishes_what_was_cut_off(household: Household, stack: Stack) -> None:
    _, result, errors = command(stack, "owner", "--jobs", "3")
    assert household.tenant.id.hex not in {tenant.replace("-", "") for tenant in result["failed"]}, errors
    assert version_of(household) == result["version"] > 1
    visit(household)
    # As if it had been cut off before this one, whose password is one of an earlier campaign's.
    Tenant.objects.using("provisioner").filter(id=household.tenant.id).update(password_version=1)
    _, again, _ = command(stack, "provisioner", "--resume")
    assert again["version"] == result["version"]
    assert again["rotated"] >= 1
    assert version_of(household) == result["version"]
    visit(household)


def test_the_command_rotates_one(household: Household, neighbour: Household, stack: Stack) -> None:
    status, result, errors = command(stack, "provisioner", "--tenant", household.slug)
    assert (status, result) == (0, {"version": 2, "rotated": 1, "done_before": 0, "failed": {}, "left": 0}), errors
    assert (version_of(household), version_of(neighbour)) == (2, 1)
    status, result, errors = command(stack, "provisioner", "--tenant", "no-such")
    assert (status, result) == (1, None)
    assert "There is no tenant no-such" in errors


def test_a_login_that_is_refused_in_passing_is_tried_again(
    household: Household, administrator: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a pooler that is in the midst of logins with the former password."""
    role, connect = sql.Identifier(household.tenant.schema), passwords._connect
    administrator.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(role))
    refused: list[str] = []

    def then_allowed(tenant: Tenant) -> None:
        try:
            connect(tenant)
        except OperationalError as error:
            refused.append(str(error))
            administrator.execute(sql.SQL("ALTER ROLE {} LOGIN").format(role))
            raise

    monkeypatch.setattr(passwords, "_connect", then_allowed)
    monkeypatch.setattr(passwords, "_PATIENCE_SECONDS", 60.0)
    passwords._prove(household.tenant)
    assert ["not permitted to log in" in error for error in refused] == [True]
