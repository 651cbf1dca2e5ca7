"""What an operator allows is what a tenant gets: to the last one, also when many ask at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from tenants import limits
from tenants.actions import (
    builds,
    members,
    messages,
    parameter_deletion,
    parameter_import,
    parameter_values,
    parameters,
    repositories,
    ssh_keys,
    tenancies,
    usage,
)
from tenants.compartment import Compartment
from tenants.errors import LimitReached
from tenants.pagination import PageRequest
from tenants.records.models import AuditRow, Build, Usage, UsageHead
from tenants.registry.allowances import NAMES
from tenants.registry.models import AccessToken, Due, TenantLimits
from tenants.roles import Role
from tests.conftest import Household, NewPerson, at_once
from tests.tenants.conftest import Send
from tests.tenants.test_round_trips import counted

pytestmark = pytest.mark.usefixtures("one_day")


def allow(household: Household, **most: int | None) -> None:
    TenantLimits.objects.using("owner").update_or_create(tenant=household.tenant, defaults=most)


def read(inside: Compartment) -> object:
    return parameters.reveal_environment(inside, "api")


def build(inside: Compartment) -> object:
    return builds.start_build(inside, repository="api", revision="", overrides={}, ttl=600)


@pytest.fixture
def stocked(household: Household) -> Household:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        made = parameters.create_set(inside, name="all", description="", filters=[])
        parameters.set_parameter(inside, made.id, name="A", value="a")
        ssh_keys.generate_key(inside, name="deploy", filters=[])
    return household


def attempts(household: Household, act: Callable[[Compartment], object], times: int) -> int:
    """Return how many of so many attempts at once were allowed."""

    def attempt() -> bool:
        try:
            with household.enter() as inside:
                act(inside)
        except LimitReached:
            return False
        return True

    return sum(at_once(attempt, times=times))


def test_every_column_is_a_limit_and_every_limit_a_column() -> None:
    assert set(NAMES) == {*limits.Thing, *(limit.name for limit in limits.DAILY)}


@pytest.mark.parametrize(("name", "act"), [("reads_a_day", read), ("builds_a_day", build)], ids=["reads", "builds"])
def test_of_many_at_once_exactly_as_many_as_allowed(
    stocked: Household, name: str, act: Callable[[Compartment], object]
) -> None:
    allow(stocked, **{name: 5})
    assert attempts(stocked, act, 8) == 5
    assert attempts(stocked, act, 3) == 0
    with stocked.enter() as inside:
        [standing] = usage.standings(inside)
        done = AuditRow.objects.filter(entry__contains='"parameters.revealed"' if act is read else '"build.started"')
        assert (standing.used, done.count()) == (5, 5)  # what is refused is not in the log, and does not count


def test_far_from_a_limit_reading_costs_what_it_costs_without(stocked: Household) -> None:
    with stocked.enter() as inside:
        read(inside)
    sent = []
    for most in (None, 2 * limits.FEW, limits.FEW):
        allow(stocked, reads_a_day=most)
        with stocked.enter() as inside, counted("default", inside.alias) as statements:
            read(inside)
        sent.append(len(statements))
    assert sent[0] == sent[1] == 1, sent
    assert sent[2] > 1, "near it, a transaction decides"
    with stocked.enter() as inside:
        assert usage.usage_by_day(inside, 1)[0].sums.reads == 4  # each once in the log


def test_what_is_used_up_comes_back_the_next_day(stocked: Household) -> None:
    allow(stocked, reads_a_day=1)
    with stocked.enter() as inside:
        read(inside)
        repositories.create_repository(inside, name="another", url="", labels=[])  # not counted yet
    with pytest.raises(LimitReached) as refused, stocked.enter() as inside:
        read(inside)
    assert refused.value.seconds is not None
    assert 0 < refused.value.seconds <= 24 * 3600
    assert "limit on secret reads a day set for this tenant (1): a day begins at 00:00 UTC" in refused.value.words
    with stocked.enter() as inside:
        # What the refusal counted was rolled back with it, and counted again: the next one counts nothing.
        assert UsageHead.objects.get().position == AuditRow.objects.count()
        Usage.objects.update(day=F("day") - timedelta(days=1))  # as if a day had passed
        read(inside)


def test_each_kind_of_reading_is_held(stocked: Household) -> None:
    allow(stocked, reads_a_day=0)
    with stocked.enter() as inside:
        set_id = parameters.list_sets(inside, PageRequest()).items[0].id
    acts: list[Callable[[Compartment], object]] = [
        read,
        lambda inside: parameters.reveal_set(inside, set_id),
        lambda inside: ssh_keys.reveal_key(inside, "api", "deploy"),
        lambda inside: ssh_keys.reveal_keys(inside, "api"),
    ]
    for act in acts:
        with pytest.raises(LimitReached), stocked.enter() as inside:
            act(inside)


def test_a_refused_build_leaves_nothing(stocked: Household) -> None:
    allow(stocked, builds_a_day=0)
    with pytest.raises(LimitReached), stocked.enter() as inside:
        build(inside)
    with stocked.enter():
        assert not Build.objects.exists()
    assert not AccessToken.objects.filter(tenant=stocked.tenant).exists()
    assert not Due.objects.filter(tenant=stocked.tenant, kind=Due.Kind.END_BUILD).exists()


def test_messages_are_held_by_number_and_by_size(household: Household, send: Send) -> None:
    allow(household, messages_a_day=2, message_bytes_a_day=30)
    send('"' + "x" * 18 + '"', deliver=False)
    with pytest.raises(LimitReached, match="bytes of messages: 30"):
        send('"123456789"', deliver=False)
    send('"12345678"', deliver=False)
    with pytest.raises(LimitReached, match="messages: 2"):
        send("1", deliver=False)
    with household.enter() as inside:
        assert len(messages.list_sent(inside, PageRequest()).items) == 2
        assert [standing.used for standing in usage.standings(inside)] == [2, 30]


def test_of_many_repositories_at_once_exactly_as_many_as_allowed(household: Household) -> None:
    allow(household, repositories=3)
    names = iter("abcdefgh")

    def create(inside: Compartment) -> None:
        repositories.create_repository(inside, name=next(names), url="", labels=[])

    assert attempts(household, create, 6) == 3
    with household.enter() as inside:
        kept = repositories.list_repositories(inside, PageRequest()).items
        assert len(kept) == 3
        repositories.delete_repository(inside, kept[0].id)
        create(inside)


def test_parameters_are_held_in_all_sets_together(stocked: Household) -> None:
    allow(stocked, parameters=2)
    with stocked.enter() as inside:
        first = parameters.list_sets(inside, PageRequest()).items[0].id
        other = parameters.create_set(inside, name="other", description="", filters=[]).id
        added = parameters.set_parameter(inside, other, name="B", value="b")
        parameters.set_parameter(inside, other, name="B", value="changed")  # a new value is no new parameter
    more: list[Callable[[Compartment], object]] = [
        lambda inside: parameters.set_parameter(inside, first, name="C", value="c"),
        lambda inside: parameters.apply_changes(inside, first, values=[parameter_values.NewValue("C", "c")]),
        lambda inside: parameter_import.import_parameters(
            inside, first, text="C=c", form=parameter_import.Format.DOTENV
        ),
    ]
    for act in more:
        with pytest.raises(LimitReached, match="parameters: 2"), stocked.enter() as inside:
            act(inside)
    with stocked.enter() as inside:
        parameters.delete_parameter(inside, other, added.id)
        more[0](inside)
        with pytest.raises(LimitReached):
            parameter_deletion.restore_parameter(inside, other, added.id)
        parameters.delete_set(inside, first)
        parameters.set_parameter(inside, other, name="D", value="d")
        with pytest.raises(LimitReached):
            parameter_deletion.restore_set(inside, first)


def test_ssh_keys_are_held_and_rotation_is_not(stocked: Household) -> None:
    allow(stocked, ssh_keys=1)
    with stocked.enter() as inside:
        with pytest.raises(LimitReached, match="SSH keys: 1"):
            ssh_keys.generate_key(inside, name="second", filters=[])
        ssh_keys.rotate_key(inside, ssh_keys.get_named(inside, "deploy").id)


def test_of_many_members_admitted_at_once_exactly_as_many_as_allowed(
    household: Household, new_person: NewPerson
) -> None:
    allow(household, members=3)
    for _ in range(4):
        person = new_person()
        tenancies.ask_to_join(household.actor(person), slug=household.slug, note="")
    with household.enter() as inside:
        waiting = iter([each.id for each in members.list_join_requests(inside, PageRequest()).items])
    assert attempts(household, lambda inside: members.admit(inside, next(waiting), Role.MEMBER), 4) == 2
    with household.enter() as inside:
        assert len(members.list_members(inside, PageRequest()).items) == 3


def test_a_warning_comes_at_four_fifths(stocked: Household) -> None:
    allow(stocked, reads_a_day=5, repositories=2, members=0)
    with stocked.enter() as inside:
        for _ in range(3):
            read(inside)
        assert usage.near_limits(inside) == []
        read(inside)
        [near] = usage.near_limits(inside)
    assert (near.name, near.used, near.most, near.percent) == ("reads_a_day", 4, 5, 80)
