"""What a build's token opens: what is its own build's, while that runs, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tenants.records.models import Build
from tenants.registry.models import Membership
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.api.building import Running, begin, row_of, stock
from tests.portal.api.conftest import Caller, NewCaller, new_client
from tests.portal.api.test_access import DOORS, NOTHINGS_ID, Door, refused


@pytest.fixture
def stocked(household: Household) -> Household:
    return stock(household)


@pytest.fixture
def caller(stocked: Household, new_caller: NewCaller) -> Caller:
    return new_caller(stocked)


@pytest.fixture
def build(caller: Caller) -> Running:
    return begin(caller)


# Each is about the token's own build, or refuses; the last certifies a key as what the token's own build is.
OWN = ("/end", "/environment", "/ssh-keys", "/decrypt-key", "POST /api/v1/tenants/{tenant}/ssh-certificates")


def test_what_a_build_may_call_is_a_short_list() -> None:
    open_to_builds = [door for door in DOORS if door.bearer.builds]
    assert len(open_to_builds) == len(OWN)
    assert all(str(door).endswith(OWN) and door.method == "POST" for door in open_to_builds)


def test_a_builds_token_opens_nothing_else(build: Running, stocked: Household) -> None:
    """Not even in its own tenant, for its own repository; and reading, not only writing."""
    for door in DOORS:
        if not door.bearer.builds:
            answer = ask(build.caller, door, build, stocked)
            assert "build's token" in refused(answer, 403)["message"], door


def ask(caller: Caller, door: Door, build: Running, household: Household) -> Any:
    """Ask an operation for all that names this build and its repository, at an address of the caller's own."""
    path = door.path.replace(NOTHINGS_ID, build.id).replace("/name/", "/api/").replace("{tenant}", household.slug)
    asking = dataclasses.replace(caller, client=new_client())
    if door.method == "GET":
        return asking.get(path)
    if path.endswith("decrypt-key"):
        return asking.post(path, {"enc": build.event["enc"]})
    return asking.post(path, {"outcome": "failed"} if path.endswith("/end") else None)


@pytest.mark.parametrize("whose", ["another repository", "another tenant", "an ended build", "nobody"])
def test_no_call_gets_what_is_another_builds(
    whose: str, build: Running, stocked: Household, others: Callable[[str], Caller]
) -> None:
    """Every operation, with the token of another build."""
    other = others(whose)
    for door in DOORS:
        answer = ask(other, door, build, stocked)
        refused(answer, answer.status_code)
        if whose in {"an ended build", "nobody"}:
            expected = 401
        elif door.path.endswith("/ssh-certificates") and door.method == "POST":
            expected = 422 if whose == "another repository" else 404  # it takes nothing that could name another build
        else:
            expected = 404 if door.bearer.builds else 403
        assert answer.status_code == expected, door
    assert row_of(stocked, build).outcome == "running"


@pytest.fixture
def others(caller: Caller, neighbour: Household, new_caller: NewCaller) -> Callable[[str], Caller]:
    """Whoever else might ask."""

    def other(whose: str) -> Caller:
        match whose:
            case "another tenant":
                return begin(new_caller(stock(neighbour))).caller
            case "nobody":
                return dataclasses.replace(caller, token=None)
            case "another repository":
                return begin(caller, "web").caller
            case _:
                ended = begin(caller)
                assert caller.post(f"builds/{ended.id}/end", {"outcome": "cancelled"}).status_code == 200
                return ended.caller

    return other


def test_a_build_of_the_neighbours_at_its_own_tenant(
    neighbour: Household, new_caller: NewCaller, build: Running
) -> None:
    """The other way round: at its own address, with the name of our build."""
    theirs = begin(new_caller(stock(neighbour)))
    for path in (f"builds/{build.id}/environment", f"builds/{build.id}/ssh-keys"):
        refused(theirs.caller.post(path), 404)
    refused(theirs.caller.post("crypto/decrypt-key", {"enc": build.event["enc"]}), 404)
    refused(theirs.caller.post(f"builds/{build.id}/end", {"outcome": "failed"}), 404)


def test_a_token_that_outlived_its_build_opens_nothing(build: Running, stocked: Household) -> None:
    """The build's own row decides, not only the token's: here the token was not revoked."""
    build.key()
    with stocked.enter():
        Build.objects.filter(id=build.id).update(outcome="failed")
    for path in (f"builds/{build.id}/environment", f"builds/{build.id}/ssh-keys"):
        refused(build.caller.post(path), 404)
    refused(build.caller.post("crypto/decrypt-key", {"enc": build.event["enc"]}), 404)


def test_who_lost_the_right_to_build_lost_the_builds_too(
    stocked: Household, new_person: NewPerson, new_caller: NewCaller
) -> None:
    person = stocked.join(new_person(), Role.MEMBER)
    build = begin(new_caller(stocked, person))
    build.key()
    Membership.objects.filter(person=person, tenant=stocked.tenant).update(role=Role.AUDITOR)
    refused(build.caller.post("crypto/decrypt-key", {"enc": build.event["enc"]}), 403)
    Membership.objects.filter(person=person, tenant=stocked.tenant).delete()
    refused(build.caller.post("crypto/decrypt-key", {"enc": build.event["enc"]}), 404)
