"""The page that shows which keys a tenant's secrets are under."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.views.conftest import NewVisitor, Visitor, text
from tests.tenants.rotation.conftest import age, turn


def test_a_new_tenant_has_one_key_in_use(owner: Visitor) -> None:
    page = text(owner.get("keys/"))
    assert re.search("1 In use just now 1 \u2013 [0-9a-z:-]+", page), page
    assert "The next one is made in 14 days , or earlier after 1,073,741,824 uses." in page
    assert "Password of this tenant's database role, version 1 just now in 14 days" in page.replace("\u2019", "'")


def test_each_version_shows_how_far_its_rotation_is(household: Household, owner: Visitor) -> None:
    age(household, timedelta(days=14))
    turn(household, "test")
    page = text(owner.get("keys/"))
    assert "2 In use just now 1 \u2013" in page
    assert re.search(r"1 Being replaced 2 weeks ago 1 once nothing is under it", page), page
    age(household)
    turn(household)
    assert re.search(r"1 Retired 2 weeks ago 1 just now", text(owner.get("keys/")))


def test_a_rotation_that_is_due_is_not_called_expired(household: Household, owner: Visitor) -> None:
    age(household, timedelta(days=20))
    page = text(owner.get("keys/"))
    assert "The next one is made within the hour , or" in page
    assert "expired" not in page


@pytest.mark.parametrize("role", Role)
def test_every_member_may_see_it(household: Household, new_person: NewPerson, visit: NewVisitor, role: Role) -> None:
    answer = visit(household, household.join(new_person(), role)).get("keys/")
    assert answer.status_code == 200
    assert f'href="/t/{household.slug}/keys/"' in answer.content.decode()
