"""The pages of connections, from both sides."""

from __future__ import annotations

import uuid

import pytest

from tenants.registry.models import Connection
from tests.conftest import Household, NewTenant
from tests.portal.views.conftest import NewVisitor, Visitor, text


@pytest.fixture
def other(neighbour: Household, visit: NewVisitor) -> Visitor:
    return visit(neighbour)


def proposed(household: Household, neighbour: Household) -> Connection:
    return Connection.objects.get(provider=household.tenant, consumer=neighbour.tenant)


def test_one_proposes_and_the_other_accepts(
    household: Household, neighbour: Household, owner: Visitor, other: Visitor
) -> None:
    owner.after(owner.post("connections/new/", other_slug=neighbour.slug, direction="send"))
    assert "we send to them waits for them" in text(owner.get("connections/"))
    assert "they send to us waits for you" in text(other.get("connections/"))
    found = proposed(household, neighbour)
    assert "the other tenant accepts what you proposed" in owner.after(owner.post(f"connections/{found.id}/accept/"))
    assert f"The connection with {household.slug} is active." in other.after(
        other.post(f"connections/{found.id}/accept/")
    )


def test_either_ends_it_after_being_asked(
    household: Household, neighbour: Household, owner: Visitor, other: Visitor
) -> None:
    owner.after(owner.post("connections/new/", other_slug=neighbour.slug, direction="receive"))
    found = Connection.objects.get(consumer=household.tenant)
    assert "End the connection with" in text(other.get(f"connections/{found.id}/end/"))
    assert "has ended" in other.after(other.post(f"connections/{found.id}/end/"))
    again = other.post(f"connections/{found.id}/end/")
    assert again.status_code == 422
    assert "has ended already" in text(again)


@pytest.mark.parametrize(
    ("slug", "said"), [("no-such-tenant", "No tenant has this address"), ("NO", "lower-case letters"), ("", "required")]
)
def test_a_wrong_address_is_explained(owner: Visitor, slug: str, said: str) -> None:
    answer = owner.post("connections/new/", other_slug=slug, direction="send")
    assert answer.status_code == 422
    assert said in text(answer)


def test_a_direction_is_one_of_two(owner: Visitor, neighbour: Household) -> None:
    assert owner.post("connections/new/", other_slug=neighbour.slug, direction="both").status_code == 422


def test_a_third_tenant_sees_nothing_of_it(
    household: Household, neighbour: Household, owner: Visitor, new_tenant: NewTenant, visit: NewVisitor
) -> None:
    owner.after(owner.post("connections/new/", other_slug=neighbour.slug, direction="send"))
    third = visit(new_tenant())
    found = proposed(household, neighbour)
    assert neighbour.slug not in text(third.get("connections/"))
    assert third.get(f"connections/{found.id}/end/").status_code == 404
    assert third.post(f"connections/{uuid.uuid4()}/accept/").status_code == 404
