"""`manage.py migrate_tenants` as an operator and a deploy pipeline call it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import StringIO

import httpx
import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper
from django.db import connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from psycopg import sql
from rich.console import Console

from portal.demo.running import Portal
from portal.management import rollout
from portal.management.rollout_bar import bar
from tenants.registry.models import Tenant
from tenants.rollout.outcome import Outcome, Result
from tests.conftest import Household, acting_as
from tests.portal.api.conftest import new_token, text_of
from tests.tenants.databases.hammer import Tally, hammering
from tests.tenants.rollout.conftest import Fleet, Manage, Roll, modules_of, slugs, versions
from tests.tenants.rollout.next import LAST
from tests.tenants.rollout.targets import targets


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


@contextmanager
def held(household: Household, administrator: psycopg.Connection) -> Iterator[None]:
    """Hold a tenant's repositories, so that a run gets no further than it."""
    with administrator.transaction():
        administrator.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        name = sql.Identifier(household.tenant.schema, "repositories")
        administrator.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(name))
        yield


def wait_for(test: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not test():
        assert time.monotonic() < deadline, "it didn't happen"
        time.sleep(0.02)


def look(package: str, households: Sequence[Household], *arguments: str) -> str:
    """Return what the command prints in this process: for what changes nothing, or is refused."""
    out = StringIO()
    with acting_as("owner"), override_settings(MIGRATION_MODULES=modules_of(package)):
        chosen = [f"--tenant={slug}" for slug in slugs(households)]
        call_command("migrate_tenants", *chosen, *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_the_plan_shows_tenants_versions_and_sql(fleet: Fleet) -> None:
    households = fleet(2)
    plan = json.loads(look("code", households, "--plan", "--json"))
    assert [(each["tenant"], each["from"], each["to"]) for each in plan["tenants"]] == [
        (slug, LAST, "9002_code") for slug in slugs(households)
    ]
    kinds = [(each["name"], each["kind"]) for each in plan["migrations"]]
    assert kinds == [("9001_additive", "sql"), ("9002_code", "python")]
    assert any('CREATE TABLE "bookmarks"' in statement for statement in plan["migrations"][0]["statements"])
    text = look("code", households, "--plan")
    assert f"{households[0].slug} ({households[0].tenant.schema}): {LAST} → 9002_code" in text
    assert text.count('CREATE TABLE "bookmarks"') == 1, "rendered once, not for each tenant"
    assert versions(households) == [LAST] * 2, "looking changed something"


def test_a_pipeline_is_told_who_is_behind_or_failed(fleet: Fleet, roll: Roll) -> None:
    households = fleet(2)
    Tenant.objects.using("owner").filter(slug=households[0].slug).update(schema_failure="of before")
    with pytest.raises(CommandError, match="2 behind 9001_additive, 1 of them after a failure"):
        look("additive", households, "--check")
    roll("additive", slugs(households))
    assert look("additive", households, "--check") == "All are at 9001_additive.\n"
    assert look("additive", households, "--plan") == "Nobody is behind 9001_additive.\n"


def test_nothing_to_do_asks_the_same_few_things_however_many_tenants(fleet: Fleet, roll: Roll) -> None:
    households = fleet(5)
    roll("additive", slugs(households))
    counts = []
    for some in (households[:1], households):
        with CaptureQueriesContext(connections["owner"]) as queries:
            assert look("additive", some).startswith("0 migrated to 9001_additive")
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 6


def test_a_terminal_shows_rate_and_time_left() -> None:
    screen, seconds = StringIO(), 0.0
    target, *_ = targets(1)
    console = Console(file=screen, force_terminal=True, width=120, get_time=lambda: seconds)
    with bar(4, console) as watching:
        watching.wave("the rest", 4)
        for _ in range(2):
            watching.outcome(Outcome(target, Result.MIGRATED))
            seconds += 0.05
        watching.outcome(Outcome(target, Result.BUSY, "9001_x", "ALTER TABLE x", "lock timeout"))
    shown = screen.getvalue()
    assert "the rest" in shown
    assert "2/4" in shown
    assert re.search(r"\b20/s", shown)
    assert "t0000 (t_0000000000000000) busy at 9001_x: lock timeout" in shown


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "LINE_EVERY", 0.0)
    lines = StringIO()
    watching = rollout.LineWatcher(4, OutputWrapper(lines))
    target, *_ = targets(1)
    watching.wave("canaries", 1)
    time.sleep(0.01)
    watching.outcome(Outcome(target, Result.MIGRATED))
    assert re.fullmatch(r"canaries: 1\n1 of 4, \d+/s, \d+ s left\n", lines.getvalue())


def test_what_is_refused_is_told_without_a_traceback(fleet: Fleet) -> None:
    with pytest.raises(CommandError, match="9001_clumsy does not run: ALTER TABLE repositorys"):
        look("clumsy", fleet(1))
    with pytest.raises(CommandError, match="There is no tenant nobody-here"):
        look("additive", [], "--tenant=nobody-here")


def test_a_run_tells_its_waves_and_then_has_nothing_to_do(fleet: Fleet, manage: Manage) -> None:
    households = fleet(2)
    status, out, err = finish(manage("additive", households))
    assert (status, err.splitlines()) == (0, ["canaries: 1", "a tenth: 1"])
    assert out.startswith("2 migrated to 9001_additive in ")
    status, out, _ = finish(manage("additive", households, "--json"))
    assert (status, json.loads(out)["migrated"]) == (0, 0)


def test_a_second_run_is_told_of_the_first_and_a_killed_one_is_resumed(
    fleet: Fleet, manage: Manage, administrator: psycopg.Connection
) -> None:
    households = fleet(6)
    with held(households[4], administrator):
        first = manage("additive", households, "--jobs=1", "--lock-timeout=600")
        wait_for(lambda: versions(households)[3] == "9001_additive")
        second = manage("additive", households)
        status, _, err = finish(second)
        assert status == 1
        assert f"It runs already: process {first.pid}@" in err
        assert "since 20" in err
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert versions(households) == [*["9001_additive"] * 4, LAST, LAST]
    # The server still finishes the one script that it was sent, or not: all of it, or nothing.
    running = "SELECT FROM pg_stat_activity WHERE starts_with(application_name, %s)"
    wait_for(lambda: administrator.execute(running, [f"migrate_tenants {first.pid}@"]).fetchone() is None)
    whole = [version == "9001_additive" for version in versions(households)]
    assert [has_bookmarks(each, administrator) for each in households] == whole
    status, _, err = finish(manage("additive", households))
    assert status == 0, err
    assert versions(households) == ["9001_additive"] * 6


def has_bookmarks(household: Household, administrator: psycopg.Connection) -> bool:
    row = administrator.execute(
        "SELECT to_regclass(%s) IS NOT NULL", [f"{household.tenant.schema}.bookmarks"]
    ).fetchone()
    return row == (True,)


def test_the_portal_serves_tenants_of_both_versions(portal: Portal, fleet: Fleet, roll: Roll) -> None:
    """Requests to all go on while some are migrated, and after: those have one version, the others the one before."""
    households = fleet(6)
    client = httpx.Client(base_url=portal.stack.base_url, timeout=30)
    requests = [partial(_use, client, each, text_of(new_token(each))) for each in households]
    with client, hammering(*requests) as tally:
        _until(tally, 12)
        assert roll("additive", slugs(households[:4]), jobs=1).is_complete
        _until(tally, tally.done + 12)
    assert tally.failures == []
    assert versions(households) == ["9001_additive"] * 4 + [LAST] * 2


def _use(client: httpx.Client, household: Household, token: str) -> None:
    """Write a row that the older code knows nothing new about, and list what there is."""
    path, name = f"/api/v1/tenants/{household.slug}/repositories", f"r{uuid.uuid4().hex[:8]}"
    bearer = {"Authorization": f"Bearer {token}"}
    client.post(path, json={"name": name, "url": "", "labels": []}, headers=bearer).raise_for_status()
    found = client.get(path, headers=bearer).raise_for_status().json()
    assert found["items"]


def _until(tally: Tally, done: int) -> None:
    deadline = time.monotonic() + 30
    while tally.done < done and not tally.failures and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.mark.parametrize("jobs", [1, 4])
def test_jobs_take_each_tenant_once(fleet: Fleet, roll: Roll, jobs: int) -> None:
    households = fleet(8)
    assert roll("additive", slugs(households), jobs=jobs).migrated == 8
