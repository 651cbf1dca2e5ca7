"""Builds by their actions: who may, what is due, what is left when one has ended, and a key that was rewrapped."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections, transaction
from django.db.models.functions import Now
from joserfc import jwe
from joserfc.jwk import OctKey

from secrets_vault import rewrap
from tenants import compartment
from tenants.actions import builds, parameters, repositories, ssh_keys, tokens
from tenants.actions.build_environment import environment_of, ssh_keys_of
from tenants.actions.builds import Started
from tenants.compartment import Compartment
from tenants.errors import Invalid, NotFound, Refused
from tenants.keyrings import keyring_of
from tenants.records.audit import about_build
from tenants.records.models import AuditRow, Build, Repository
from tenants.registry.models import AccessToken, Due
from tenants.roles import Role
from tests.conftest import Household, NewPerson

pytestmark = pytest.mark.usefixtures("no_worker")


@pytest.fixture
def stocked(household: Household) -> Household:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[("os", "linux"), ("team", "blue")])
        for name, filters in (
            ("all", []),
            ("linux", [[("os", "linux")]]),
            ("narrow", [[("os", "linux"), ("team", "blue")]]),
            ("other", [[("os", "plan9")]]),
        ):
            made = parameters.create_set(inside, name=name, description="", filters=filters)
            parameters.set_parameter(inside, made.id, name="WHO", value=name)
            parameters.set_parameter(inside, made.id, name=name.upper(), value=name)
        ssh_keys.generate_key(inside, name="mine", filters=[[("team", "blue")]])
        ssh_keys.generate_key(inside, name="theirs", filters=[[("team", "red")]])
    return household


def begin(inside: Compartment, **more: object) -> Started:
    asked: dict[str, object] = {"repository": "api", "revision": "", "overrides": {}, "ttl": 600}
    return builds.start_build(inside, **{**asked, **more})  # type: ignore[arg-type]  # tests send what is wrong, too


def as_build(household: Household, started: Started) -> AbstractContextManager[Compartment]:
    actor = replace(household.actor(), token_id=started.token.id, build_id=started.build.id)
    return compartment.enter(household.slug, actor)


def opened(inside: Compartment, started: Started) -> dict[str, object]:
    key = OctKey.import_key(builds.open_key(inside, started.enc))
    text = jwe.decrypt_compact(started.environment, key, algorithms=["dir", "A256GCM"]).plaintext or b""
    return dict(json.loads(text))


def test_a_build_gets_what_people_would_get(stocked: Household) -> None:
    """The same values, the same winner of a name: the more specific filter, then the newer set."""
    with stocked.enter() as inside:
        started = begin(inside)
        people = parameters.reveal_environment(inside, "api")
    with as_build(stocked, started) as own:
        content = opened(own, started)
    assert content["values"] == people.values == {"WHO": "narrow", "ALL": "all", "LINUX": "linux", "NARROW": "narrow"}
    assert content["conflicts"] == people.conflicts == {"WHO": ["narrow", "linux", "all"]}


def test_labels_that_change_are_heeded_while_it_runs(stocked: Household) -> None:
    with stocked.enter() as inside:
        started = begin(inside)
        repository = Repository.objects.get(name="api")
        repositories.change_repository(inside, repository.id, name="renamed", url="", labels=[("team", "red")])
        assert set(environment_of(inside, started.build.id, {}).values) == {"WHO", "ALL"}
        assert [key["name"] for key in ssh_keys_of(inside, started.build.id)] == ["theirs"]


def test_an_ended_build_reaches_nothing(stocked: Household) -> None:
    """By the queries themselves, whoever calls them; and so does one whose time is up."""
    with stocked.enter() as inside:
        for change in ({"outcome": "failed"}, {"ends_by": Now()}):
            started = begin(inside)
            assert environment_of(inside, started.build.id, {}).values
            Build.objects.filter(id=started.build.id).update(**change)
            assert environment_of(inside, started.build.id, {}).values == {}
            assert list(ssh_keys_of(inside, started.build.id)) == []


def test_a_rewrapped_key_opens_by_the_event_that_left_before(stocked: Household) -> None:
    """A rotation changes the wrapping in the row; who holds an older event still builds."""
    with stocked.enter() as inside:
        started = begin(inside)
        place = inside.place("builds.sealed_key", started.build.id, 1)
        ring = keyring_of(stocked.tenant.id)
        again = rewrap(ring, place, started.enc)
        assert again == started.enc  # under the current key nothing changes
        # Another wrapping of the same value: the first 86 bytes are the wrapping's.
        changed = started.enc[:26] + bytes(60) + started.enc[86:]
    with as_build(stocked, started) as own:
        assert builds.open_key(own, changed) == builds.open_key(own, started.enc)
        for wrong in (started.enc[:-1] + bytes([started.enc[-1] ^ 1]), b"", b"BHSV", started.enc + b"x"):
            with pytest.raises(NotFound):
                builds.open_key(own, wrong)


def test_nothing_leaves_when_the_log_can_not_be_written(stocked: Household) -> None:
    with stocked.enter() as inside:
        started = begin(inside)

    def broken(execute: Callable[..., object], sql: str, *rest: object) -> object:
        if "INSERT INTO audit" in sql:
            raise RuntimeError("the log is full")
        return execute(sql, *rest)

    with as_build(stocked, started) as own, connections[own.alias].execute_wrapper(broken):
        for act in (
            lambda: builds.open_key(own, started.enc),
            lambda: builds.own_environment(own, started.build.id),
            lambda: builds.own_ssh_keys(own, started.build.id),
        ):
            with pytest.raises(RuntimeError):
                act()
    with stocked.enter() as inside, connections[inside.alias].execute_wrapper(broken):
        with pytest.raises(RuntimeError):
            begin(inside)
        assert Build.objects.count() == 1


def test_a_build_that_nobody_ended_is_ended(stocked: Household, sweep: Callable[[], int]) -> None:
    with stocked.enter() as inside:
        overdue, running = begin(inside, overrides={"A": "b"}), begin(inside)
        Build.objects.filter(id=overdue.build.id).update(ends_by=Now() - timedelta(seconds=1))
    due = Due.objects.using("worker").filter(tenant_id=stocked.tenant.id, kind=Due.Kind.END_BUILD)
    assert due.count() == 2
    due.update(due_at=Now())
    sweep()
    with stocked.enter():
        row = Build.objects.get(id=overdue.build.id)
        assert (row.outcome, row.sealed_key, row.sealed_overrides) == ("timed-out", None, None)
        assert row.ended_at is not None
        assert Build.objects.get(id=running.build.id).outcome == "running"
        assert AuditRow.objects.filter(entry__contains='"build.ended"').count() == 1
    [left] = due
    assert left.message_id == running.build.id
    assert left.due_at == running.build.ends_by


def test_a_builds_token_is_found_among_all_tenants_without_reading_them(stocked: Household) -> None:
    with stocked.enter() as inside:
        found = builds.tokens_of([begin(inside).build, begin(inside).build])
    with transaction.atomic(), connections["default"].cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        assert "Index" in found.explain()
    assert found.count() == 2


def test_an_ended_build_leaves_no_key_and_no_token(stocked: Household, sweep: Callable[[], int]) -> None:
    with stocked.enter() as inside:
        started = begin(inside, overrides={"A": "b"})
        builds.end_build(inside, started.build.id, outcome="succeeded")
        row = Build.objects.get(id=started.build.id)
        assert (row.sealed_key, row.sealed_overrides, row.override_names) == (None, None, ["A"])
        assert AccessToken.objects.get(id=started.token.id).revoked_at is not None
    due = Due.objects.using("worker").filter(tenant_id=stocked.tenant.id, kind=Due.Kind.END_BUILD)
    due.update(due_at=Now())
    sweep()
    assert not due.exists()
    with stocked.enter():
        assert Build.objects.get(id=started.build.id).outcome == "succeeded"


def test_a_build_may_not_do_what_its_person_may(stocked: Household) -> None:
    with stocked.enter() as inside:
        started, other = begin(inside), begin(inside)
    with as_build(stocked, started) as own:
        for act in (
            lambda: parameters.reveal_environment(own, "api"),
            lambda: ssh_keys.reveal_key(own, "api", "mine"),
            lambda: begin(own),
            lambda: repositories.create_repository(own, name="x", url="", labels=[]),
        ):
            with pytest.raises(Refused):
                act()
        for ask in (builds.own_environment, builds.own_ssh_keys):
            with pytest.raises(NotFound):
                ask(own, other.build.id)
        with pytest.raises(NotFound):
            builds.end_build(own, other.build.id, outcome="failed")


def test_an_auditor_starts_nothing_and_ends_nothing(stocked: Household, new_person: NewPerson) -> None:
    with stocked.enter() as inside:
        started = begin(inside)
    auditor = stocked.join(new_person(), Role.AUDITOR)
    with stocked.enter(auditor) as inside:
        with pytest.raises(Refused):
            begin(inside)
        with pytest.raises(Refused):
            builds.end_build(inside, started.build.id, outcome="failed")
        assert builds.get_build(inside, started.build.id).outcome == "running"


@pytest.mark.parametrize(
    "overrides", [{"1": "x"}, {"A": "x\0"}, {"A": "x" * 70_000}, {f"A{n}": "" for n in range(201)}]
)
def test_overrides_that_can_not_be(stocked: Household, overrides: dict[str, str]) -> None:
    with stocked.enter() as inside:
        with pytest.raises(Invalid):
            begin(inside, overrides=overrides)
        assert not Build.objects.exists()


def test_a_builds_token_is_not_among_a_persons(stocked: Household) -> None:
    with stocked.enter() as inside:
        begin(inside)
    assert list(tokens.list_tokens(stocked.actor())) == []


def test_what_a_build_did_is_found_in_a_long_log(stocked: Household) -> None:
    ids: list[UUID] = []
    with stocked.enter() as inside:
        for number in range(5):
            repositories.create_repository(inside, name=f"r{number}", url="", labels=[])
            ids.append(begin(inside).build.id)
        for build_id in ids:
            acts = builds.acts_of_build(inside, Build.objects.get(id=build_id))
            assert [json.loads(act.entry)["action"] for act in acts.entries] == ["build.started"]
            assert not acts.cut
        build = Build.objects.get(id=ids[0])
        for until, most, cut in ((None, 3, True), (None, 50, False), (build.started_at, 3, False)):
            assert about_build(inside.alias, build.id, build.started_at, until, most=most).cut is cut
        builds.end_build(inside, ids[1], outcome="succeeded")
        assert about_build(inside.alias, ids[1], build.started_at, None, shown=1).cut
