"""Connections: one proposes, the other accepts, either ends, nobody else sees."""

from __future__ import annotations

import pytest

from tenants.actions import connections
from tenants.errors import Invalid, NotFound, Refused
from tenants.pagination import PageRequest
from tenants.registry.models import Connection
from tenants.roles import Role
from tests.conftest import Household, NewPerson, NewTenant


@pytest.mark.parametrize(("direction", "provider"), [("send", "household"), ("receive", "neighbour")])
def test_the_proposal_says_who_provides(
    household: Household, neighbour: Household, direction: connections.Direction, provider: str
) -> None:
    with household.enter() as inside:
        connection = connections.propose(inside, other_slug=neighbour.slug, direction=direction)
    assert connection.provider == {"household": household, "neighbour": neighbour}[provider].tenant
    with neighbour.enter() as inside:
        assert connections.accept(inside, connection.id).state == Connection.State.ACTIVE


def test_nobody_accepts_their_own_proposal(household: Household, neighbour: Household) -> None:
    with household.enter() as inside:
        connection = connections.propose(inside, other_slug=neighbour.slug, direction="send")
        with pytest.raises(Invalid, match="connection"):
            connections.accept(inside, connection.id)
    connection.refresh_from_db()
    assert connection.state == Connection.State.PROPOSED


def test_a_third_tenant_sees_and_touches_nothing(
    household: Household, neighbour: Household, new_tenant: NewTenant
) -> None:
    with household.enter() as inside:
        connection = connections.propose(inside, other_slug=neighbour.slug, direction="send")
    with new_tenant().enter() as inside:
        assert connections.list_connections(inside, PageRequest()).items == []
        for act in (connections.get_connection, connections.accept, connections.end):
            with pytest.raises(NotFound):
                act(inside, connection.id)


@pytest.mark.parametrize("ender", ["household", "neighbour"])
def test_either_side_ends_and_may_begin_again(household: Household, neighbour: Household, ender: str) -> None:
    with household.enter() as inside:
        connection = connections.propose(inside, other_slug=neighbour.slug, direction="send")
        with pytest.raises(Invalid, match="other_slug"):
            connections.propose(inside, other_slug=neighbour.slug, direction="send")
    with {"household": household, "neighbour": neighbour}[ender].enter() as inside:
        connections.end(inside, connection.id)
        with pytest.raises(Invalid, match="connection"):
            connections.end(inside, connection.id)
    with household.enter() as inside:
        connections.propose(inside, other_slug=neighbour.slug, direction="send")
        assert connections.list_consumers(inside) == []


@pytest.mark.parametrize("slug", ["no-such-tenant", "", "ITSELF", "../x"])
def test_a_wrong_address_is_named(household: Household, slug: str) -> None:
    with household.enter() as inside, pytest.raises(Invalid, match="other_slug"):
        connections.propose(inside, other_slug=slug, direction="send")


def test_a_tenant_does_not_connect_to_itself(household: Household) -> None:
    with household.enter() as inside, pytest.raises(Invalid, match="other_slug"):
        connections.propose(inside, other_slug=household.slug, direction="send")


def test_a_member_may_look_and_not_connect(household: Household, neighbour: Household, new_person: NewPerson) -> None:
    member = household.join(new_person(), Role.MEMBER)
    with household.enter(member) as inside:
        assert connections.list_connections(inside, PageRequest()).items == []
        with pytest.raises(Refused):
            connections.propose(inside, other_slug=neighbour.slug, direction="send")
