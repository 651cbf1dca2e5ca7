"""The page of the audit log."""

from __future__ import annotations

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


def test_a_member_does_not_see_it(household: Household, new_person: NewPerson, visit: NewVisitor) -> None:
    assert visit(household, household.join(new_person())).get("audit/").status_code == 403
