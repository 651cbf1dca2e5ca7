"""What a request costs: the most statements that an action may send, counted on every connection it uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.db import connections

from tenants import keyrings, ssh_formats
from tenants.actions import (
    audit,
    builds,
    members,
    messages,
    overview,
    parameters,
    repositories,
    ssh_authorities,
    ssh_certificates,
    ssh_keys,
)
from tenants.actions import connections as links
from tenants.actions.builds import Started
from tenants.actions.parameter_bulk import apply_bulk
from tenants.actions.parameter_import import Format, import_parameters
from tenants.actions.parameter_plan import Wanted
from tenants.actions.parameter_reach import preview_reach
from tenants.actions.parameter_search import find_value, search
from tenants.actions.parameter_values import NewValue
from tenants.compartment import Compartment
from tenants.pagination import PageRequest
from tenants.registry import acts
from tests.conftest import Household, NewTenant

ROWS = 12
PUBLIC = ssh_formats.generate("").public

Act = Callable[[Compartment], object]


@contextmanager
def counted(*aliases: str) -> Iterator[list[str]]:
    """Collect the statements that reach PostgreSQL on these connections, but for BEGIN and COMMIT."""
    sent: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        sent.append(sql)
        return execute(sql, *rest)

    with ExitStack() as watching:
        for alias in aliases:
            watching.enter_context(connections[alias].execute_wrapper(note))
        yield sent


@pytest.fixture(scope="module")
def furnished(new_tenant: NewTenant) -> Household:
    """Many rows of everything: a count that grows with them shows. One for all, who only add a few."""
    household = new_tenant()
    with household.enter() as inside:
        for number in range(ROWS):
            repositories.create_repository(inside, name=f"repo-{number}", url="", labels=[("os", "linux")])
            made = parameters.create_set(inside, name=f"set-{number}", description="", filters=[[("os", "linux")]])
            parameters.set_parameter(inside, made.id, name=f"NAME_{number}", value="value")
            ssh_keys.generate_key(inside, name=f"key-{number}", filters=[])
        ssh_authorities.create_authority(inside)
    return household


@pytest.fixture(autouse=True)
def _nothing_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what the process remembers for a while be as old as the test, and stay: that it is asked anew costs, too."""
    monkeypatch.setattr(acts, "_noted", {})
    for tenant in list(keyrings._keyrings):
        keyrings.forget_keyring(tenant)


def _start(inside: Compartment) -> Started:
    return builds.start_build(inside, repository="repo-1", revision="", overrides={}, ttl=600)


def certified(inside: Compartment) -> object:
    return ssh_certificates.issue_certificate(inside, public_key=PUBLIC)


@pytest.mark.parametrize(
    ("act", "most"),
    [
        (lambda inside: repositories.list_repositories(inside, PageRequest()), 1),
        (lambda inside: parameters.list_sets(inside, PageRequest()), 1),
        (lambda inside: ssh_keys.list_keys(inside, PageRequest()), 1),
        (lambda inside: links.list_connections(inside, PageRequest()), 1),
        (lambda inside: members.list_members(inside, PageRequest()), 1),
        (lambda inside: messages.list_inbox(inside, PageRequest()), 1),
        (lambda inside: messages.list_sent(inside, PageRequest()), 1),
        (lambda inside: audit.list_audit(inside, PageRequest()), 1),
        (overview.count, 2),
        (lambda inside: parameters.matching_repositories(inside, [[("os", "linux")]]), 1),
        (lambda inside: parameters.reveal_environment(inside, "repo-1"), 1),
        (lambda inside: ssh_keys.reveal_key(inside, "repo-1", "key-1"), 3),
        (lambda inside: ssh_keys.reveal_keys(inside, "repo-1"), 3),
        (certified, 5),
        (lambda inside: builds.list_builds(inside, PageRequest()), 1),
        (_start, 8),
        (lambda inside: builds.acts_of_build(inside, _start(inside).build), 9),
    ],
    ids=[
        "repositories",
        "sets",
        "keys",
        "connections",
        "members",
        "inbox",
        "sent",
        "audit",
        "overview",
        "reach",
        "environment",
        "private key",
        "private keys",
        "certificate",
        "builds",
        "start of a build",
        "acts of a build",
    ],
)
def test_an_action_costs_as_much_however_many_rows_there_are(furnished: Household, act: Act, most: int) -> None:
    with furnished.enter() as inside:
        act(inside)  # keys are unwrapped and connections made
        with counted("default", inside.alias) as sent:
            act(inside)
    assert len(sent) <= most, sent


def test_entering_costs_one_round_trip_and_no_set_up(household: Household) -> None:
    with household.enter() as inside:
        repositories.list_repositories(inside, PageRequest())
    with counted("default") as sent, household.enter() as inside, counted(inside.alias) as there:
        repositories.list_repositories(inside, PageRequest())
    assert len(sent) == 1
    assert len(there) == 1


def test_many_values_cost_as_much_as_one(furnished: Household) -> None:
    def values(count: int) -> list[NewValue]:
        return [NewValue(f"N{number}", "value") for number in range(count)]

    with furnished.enter() as inside:
        made = parameters.create_set(inside, name="many", description="", filters=[])
        parameters.apply_changes(inside, made.id, values=values(2))
        text = "".join(f"M{number}=1\n" for number in range(100))
        for act, most in (
            (lambda: parameters.set_parameter(inside, made.id, name="N0", value="other"), 8),
            (lambda: parameters.apply_changes(inside, made.id, values=values(100)), 10),
            (lambda: import_parameters(inside, made.id, text=text, form=Format.DOTENV), 10),
            (lambda: apply_bulk(inside, made.id, Wanted(text.replace("=1", "=2"), Format.DOTENV)), 10),
            (lambda: find_value(inside, "value"), 5),
            (lambda: search(inside, "n"), 3),
            (lambda: preview_reach(inside, [], set_id=made.id), 6),
        ):
            with counted("default", inside.alias) as sent:
                act()
            assert len(sent) <= most, sent
