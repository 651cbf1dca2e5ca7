"""The log: append-only, chained by the database, readable page by page, verifiable by anyone who holds it."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, ProgrammingError, connections
from django.db.models import Q

from secrets_vault import BrokenChain, hashchain
from tenants.actions import audit, repositories
from tenants.actions.connections import list_connections
from tenants.errors import Invalid, Refused
from tenants.pagination import PageRequest, among_newest
from tenants.records.audit import append, entry, entry_around_names
from tenants.records.models import AuditRow
from tenants.roles import Role
from tests.conftest import Household, NewPerson, at_once

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Link = tuple[int, int, bytes, bytes, bytes]


def chain() -> list[Link]:
    return [
        (
            row.position,
            (row.at - EPOCH) // timedelta(microseconds=1),
            row.entry.encode(),
            bytes(row.previous),
            bytes(row.hash),
        )
        for row in AuditRow.objects.order_by("position")
    ]


def fill(household: Household, count: int) -> None:
    with household.enter() as inside:
        for number in range(count):
            repositories.create_repository(inside, name=f"répo {number}".replace("é", "e"), url="", labels=[])


def test_the_databases_chain_is_the_vaults(household: Household) -> None:
    fill(household, 5)
    with household.enter() as inside:
        audit.record(inside, "test.unicode", "ünïcødé ☂", names=["a", "b"])
        rows = chain()
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert hashchain.verify(rows) == rows[-1][4]


@pytest.mark.parametrize("tampered", ["entry", "order", "gap", "time"])
def test_tampering_breaks_the_chain(household: Household, tampered: str) -> None:
    fill(household, 4)
    with household.enter():
        rows = chain()
    position, at_us, entry, previous, digest = rows[2]
    if tampered == "entry":
        rows[2] = (position, at_us, entry.replace(b"repo", b"epor"), previous, digest)
    elif tampered == "time":
        rows[2] = (position, at_us + 1, entry, previous, digest)
    elif tampered == "gap":
        del rows[2]
    else:
        rows[2], rows[3] = rows[3], rows[2]
    with pytest.raises(BrokenChain):
        hashchain.verify(rows)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET entry = ''", "DELETE FROM audit", "TRUNCATE audit", "UPDATE audit_head SET position = 0"],
)
def test_the_portal_itself_can_not_rewrite_the_log(household: Household, statement: str) -> None:
    denied = pytest.raises(ProgrammingError, match="permission denied")
    with household.enter() as inside, connections[inside.alias].cursor() as cursor, denied:
        cursor.execute(statement)


def test_writers_at_once_make_one_chain(household: Household) -> None:
    def write() -> None:
        with household.enter() as inside:
            for _ in range(10):
                repositories.create_repository(inside, name=f"r-{uuid.uuid4()}", url="", labels=[])

    at_once(write, times=4)
    with household.enter():
        rows = chain()
    assert len(rows) == 41
    hashchain.verify(rows)


def test_an_act_that_is_rolled_back_leaves_no_row_and_no_gap(household: Household) -> None:
    fill(household, 1)
    with household.enter() as inside, pytest.raises(Invalid):
        repositories.create_repository(inside, name="repo 0", url="", labels=[])
    fill_name = "after"
    with household.enter() as inside:
        repositories.create_repository(inside, name=fill_name, url="", labels=[])
        rows = chain()
    hashchain.verify(rows)
    assert [json.loads(row[2])["subject"] for row in rows][1:] == ["repo 0", "after"]


def test_the_log_is_read_newest_first_page_by_page(household: Household) -> None:
    fill(household, 5)
    with household.enter() as inside:
        first = audit.list_audit(inside, PageRequest(size=4))
        second = audit.list_audit(inside, PageRequest(after=first.next, size=4))
    assert [row.position for row in first.items + second.items] == [6, 5, 4, 3, 2, 1]
    assert second.next is None


@pytest.mark.parametrize("after", ["x", "-1", "1 OR 1=1", "9" * 30])
def test_a_bad_cursor_is_named(household: Household, after: str) -> None:
    with household.enter() as inside, pytest.raises(Invalid, match="after"):
        audit.list_audit(inside, PageRequest(after=after))


@pytest.mark.parametrize("size", [0, -1, 101])
def test_pages_are_bounded(size: int) -> None:
    with pytest.raises(Invalid, match="size"):
        PageRequest(size=size)


def test_members_do_not_read_the_log(household: Household, new_person: NewPerson) -> None:
    member = household.join(new_person(), Role.MEMBER)
    with household.enter(member) as inside, pytest.raises(Refused):
        audit.list_audit(inside, PageRequest())


def test_what_is_no_json_is_refused(household: Household) -> None:
    with household.enter() as inside, pytest.raises(DataError, match="json"):
        append(inside.alias, "not json")


def test_a_name_with_a_nul_is_no_cursor(household: Household) -> None:
    with household.enter() as inside, pytest.raises(Invalid, match="after"):
        repositories.list_repositories(inside, PageRequest(after="a\x00"))


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "yesterday", ""])
def test_a_moment_from_nowhere_is_no_cursor(household: Household, at: str) -> None:
    with household.enter() as inside, pytest.raises(Invalid, match="after"):
        list_connections(inside, PageRequest(after=f"{at}~{household.tenant.id}"))


def test_a_record_is_followed_through_its_names_by_its_id(household: Household) -> None:
    with household.enter() as inside:
        made = repositories.create_repository(inside, name="one", url="", labels=[])
        repositories.create_repository(inside, name="one two", url="", labels=[("subject", "one")])
        repositories.change_repository(inside, made.id, name="c", url="", labels=[])
        for about, found in (
            ([str(made.id)], [4, 2]),
            (["one"], [2]),
            (["c"], [4]),
            (["c", "one"], [4, 2]),
            (["%"], []),
        ):
            assert [row.position for row in audit.list_audit(inside, PageRequest(), about).items] == found
        for about in (["x"] * 5, ["x" * 301], ["\0"]):
            with pytest.raises(Invalid, match="about"):
                audit.list_audit(inside, PageRequest(), about)


def test_a_search_goes_on_where_it_stopped(household: Household) -> None:
    """However rare what is looked for, a page looks at so many entries and no more."""
    fill(household, 6)
    with household.enter():
        rows, named, seen, after = AuditRow.objects.all(), Q(entry__contains='"repo 1"'), [], None
        for _ in range(4):
            page = among_newest(rows, named, PageRequest(after=after), 2)
            seen.append([row.position for row in page.items])
            after = page.next
        assert (seen, after) == ([[], [], [3], []], None)
        both = Q(entry__contains="repository.created")
        assert among_newest(rows, both, PageRequest(size=1), 3).next == "7"


def test_an_act_says_as_which_build(household: Household) -> None:
    build = uuid.uuid4()
    for actor in (household.actor(), replace(household.actor(), build_id=build)):
        told = json.loads(entry(actor, "test", "", {}))
        assert told["build"] == (str(build) if actor.build_id else None)


@pytest.mark.parametrize(
    "label", ["owner@example.org", 'a "names":[] b', 'Zoë \\ " \x1f'], ids=["plain", "hostile", "odd"]
)
def test_an_entry_that_sql_completes_is_the_same_text(household: Household, label: str) -> None:
    actor = replace(household.actor(), label=label)
    before, after = entry_around_names(actor, "parameters.revealed", label)
    assert before + '"A","B"' + after == entry(actor, "parameters.revealed", label, {"names": ["A", "B"]})
