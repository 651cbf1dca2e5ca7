"""The page of the audit log."""

from __future__ import annotations

import json
import re

import pytest

from portal.views import audit
from tenants.records.audit import append
from tenants.records.models import AuditRow, Repository
from tests.conftest import Household, NewPerson
from tests.portal.views.conftest import NewVisitor, Visitor, text


def test_acts_are_shown_with_who_and_where(household: Household, owner: Visitor) -> None:
    owner.after(owner.post("repositories/new/", name="core", labels="os=linux"))
    page = text(owner.get("audit/"))
    assert f"{household.owner.email} 127.0.0.1 repository.created core labels: os=linux" in page
    assert page.index("repository.created") < page.index("tenant.created")


def test_older_acts_are_on_further_pages(owner: Visitor) -> None:
    owner.after(owner.post("repositories/new/", name="core", labels="os=linux"))
    older = text(owner.get("audit/", after="2"))
    assert "tenant.created" in older
    assert "repository.created" not in older


FIELDS: dict[str, object] = {"action": "odd.act", "subject": "", "actor": "Odd", "address": None, "detail": {}}


@pytest.mark.parametrize(
    "entry",
    [
        "[]",
        '"text"',
        '{"action": "odd.act"}',
        json.dumps({**FIELDS, "detail": [1]}),
        json.dumps({**FIELDS, "detail": {"deep": [[1]]}}),
    ],
)
def test_an_entry_that_can_not_be_read_is_shown_as_such(household: Household, owner: Visitor, entry: str) -> None:
    with household.enter() as inside:
        append(inside.alias, entry)
    answer = owner.get("audit/")
    assert answer.status_code == 200
    assert "be read: it was not written by the portal" in text(answer)
    assert "tenant.created" in text(answer)


@pytest.mark.parametrize("entry", ["", "not JSON", "[" * 10_000, json.dumps({**FIELDS, "subject": "\ud800"})])
def test_what_the_database_would_not_take_today_is_unreadable_too(entry: str) -> None:
    assert audit._shown(AuditRow(position=1, entry=entry))["act"] is None


def test_an_entry_does_not_say_when_or_where_in_the_chain_it_stands(household: Household, owner: Visitor) -> None:
    forged = {**FIELDS, "position": "ahead-of-all", "at": "long-ago", "detail": {"items": "kept"}}
    with household.enter() as inside:
        append(inside.alias, json.dumps(forged))
    page = text(owner.get("audit/"))
    assert "odd.act" in page
    assert "items: kept" in page
    assert "ahead-of-all" not in page
    assert "long-ago" not in page


def test_a_member_does_not_see_it(household: Household, new_person: NewPerson, visit: NewVisitor) -> None:
    assert visit(household, household.join(new_person())).get("audit/").status_code == 403


def test_a_history_is_a_click_from_its_record(
    household: Household, owner: Visitor, visit: NewVisitor, new_person: NewPerson
) -> None:
    owner.after(owner.post("repositories/new/", name="core", labels="os=linux"))
    owner.after(owner.post("repositories/new/", name="other", labels=""))
    with household.enter():
        core = Repository.objects.get(name="core")
    address = f"repositories/{core.id}/"
    link = re.search(r'href="([^"]+/audit/[^"]+)"', owner.get(address).content.decode())
    assert link
    page = text(owner.client.get(link[1].replace("&amp;", "&")))
    assert "repository.created core" in page
    assert "repository.created other" not in page
    member = visit(household, household.join(new_person()))
    assert "/audit/?" not in member.get(address).content.decode()
