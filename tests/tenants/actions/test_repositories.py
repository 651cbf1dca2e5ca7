"""Repositories: names that can stand in an address, labels as written, pages by key."""

from __future__ import annotations

import uuid

import pytest

from tenants.actions import repositories
from tenants.errors import Invalid, NotFound, Refused
from tenants.pagination import PageRequest
from tenants.records.labels import pairs
from tenants.records.models import AuditRow, Repository
from tenants.roles import Role
from tests.conftest import Household, NewPerson


def test_a_repository_is_made_changed_and_deleted(household: Household) -> None:
    with household.enter() as inside:
        made = repositories.create_repository(
            inside, name="org/api", url="https://github.com/org/api", labels=[("os", "linux"), ("os", "bsd")]
        )
        assert pairs(made.labels) == [("os", "bsd"), ("os", "linux")]
        repositories.change_repository(inside, made.id, name="org/web", url="", labels=[("empty", "")])
        changed = repositories.get_repository(inside, made.id)
        assert (changed.name, pairs(changed.labels)) == ("org/web", [("empty", "")])
        repositories.delete_repository(inside, made.id)
        with pytest.raises(NotFound):
            repositories.get_repository(inside, made.id)
        acts = list(AuditRow.objects.order_by("position").values_list("entry", flat=True))
    for act, entry in zip(("created", "changed", "deleted"), acts[1:], strict=True):
        assert f'"repository.{act}"' in entry


@pytest.mark.parametrize(
    "name", ["", " ", "-a", "a/../b", "a/./b", "a//b", "a/", "a" * 101, "a\nb", "a?b", "é", "../a"]
)
def test_a_bad_name_is_refused(household: Household, name: str) -> None:
    with household.enter() as inside:
        with pytest.raises(Invalid, match="name"):
            repositories.create_repository(inside, name=name, url="", labels=[])
        assert Repository.objects.count() == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/b",
        "javascript:alert(1)",
        "https://",
        "https://u:p@a.example/",
        "https://a b/",
        "x" * 600,
        "https://[::",
    ],
)
def test_a_bad_address_is_refused(household: Household, url: str) -> None:
    with household.enter() as inside, pytest.raises(Invalid, match="url"):
        repositories.create_repository(inside, name="api", url=url, labels=[])


def test_pages_follow_one_another_while_rows_come_and_go(household: Household) -> None:
    with household.enter() as inside:
        for number in range(7):
            repositories.create_repository(inside, name=f"r{number}", url="", labels=[])
        first = repositories.list_repositories(inside, PageRequest(size=3))
        repositories.delete_repository(inside, first.items[0].id)
        second = repositories.list_repositories(inside, PageRequest(after=first.next, size=3))
        third = repositories.list_repositories(inside, PageRequest(after=second.next, size=3))
    assert [row.name for page in (first, second, third) for row in page.items] == [f"r{number}" for number in range(7)]
    assert third.next is None


def test_a_member_looks_and_does_not_change(household: Household, new_person: NewPerson) -> None:
    member = household.join(new_person(), Role.MEMBER)
    with household.enter(member) as inside:
        assert repositories.list_repositories(inside, PageRequest()).items == []
        for act in (
            lambda: repositories.create_repository(inside, name="api", url="", labels=[]),
            lambda: repositories.delete_repository(inside, uuid.uuid4()),
        ):
            with pytest.raises(Refused):
                act()


def test_a_repository_of_another_tenant_is_not_found(household: Household, neighbour: Household) -> None:
    with neighbour.enter() as inside:
        theirs = repositories.create_repository(inside, name="api", url="", labels=[])
    with household.enter() as inside, pytest.raises(NotFound):
        repositories.change_repository(inside, theirs.id, name="mine", url="", labels=[])
