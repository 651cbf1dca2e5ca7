"""The last proof of isolation, as the API's caller sees it."""

from __future__ import annotations

import pytest

from tenants.registry.models import IsolationProof
from tests.conftest import Household, acting_as
from tests.portal.api.conftest import Caller, NewCaller
from tests.portal.api.test_access import refused

pytestmark = pytest.mark.usefixtures("no_worker")  # it may be the hour at which the portal's proves all tenants


def store(household: Household, outcome: str) -> None:
    row = {"key": "neighbours.schemas", "outcome": outcome, "answer": "BK000", "said": "t_0123456789abcdef"}
    with acting_as("worker"):
        IsolationProof.objects.create(tenant_id=household.tenant.id, results=[row], escapes=outcome == "escaped")


def test_there_is_none_before_the_first_night(caller: Caller) -> None:
    refused(caller.get("isolation"), 404)


def test_the_last_proof_is_given_without_the_names_of_others(household: Household, caller: Caller) -> None:
    store(household, "escaped")
    answer = caller.get("isolation")
    assert answer.status_code == 200
    said = answer.json()
    assert (said["closed"], said["escapes"], said["unclear"]) == (False, 1, 0)
    assert said["attempts"] == [
        {
            "key": "neighbours.schemas",
            "area": "neighbours",
            "tried": "Enter any other schema of the database, or create there",
            "outcome": "escaped",
            "answer": "",
        }
    ]
    assert b"t_0123456789abcdef" not in answer.content


def test_it_is_a_members_alone(household: Household, neighbour: Household, new_caller: NewCaller) -> None:
    store(household, "held")
    refused(new_caller(neighbour, about=household).get("isolation"), 404)
