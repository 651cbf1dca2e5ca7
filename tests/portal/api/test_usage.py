"""What a tenant used, and what its limits refuse, as the API's caller sees it."""

from __future__ import annotations

import pytest

from tenants.actions import repositories
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.api.conftest import Caller, NewCaller
from tests.tenants.test_limits import allow, read

pytestmark = pytest.mark.usefixtures("one_day")


@pytest.fixture
def used(household: Household) -> Household:
    allow(household, reads_a_day=2, repositories=1)
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        read(inside)
        read(inside)
    return household


def test_usage_is_told_by_day_and_person_with_limits(used: Household, caller: Caller) -> None:
    said = caller.get("usage", days=3).json()
    assert len(said["days"]) == 3
    sums = {"builds": 0, "reads": 2, "sent": 0, "sent_bytes": 0, "received": 0, "received_bytes": 0, "acts": 3}
    assert (said["days"][2]["sums"], said["days"][2]["members"]) == (sums, 1)
    assert said["people"] == [{"person": str(used.owner.id), "name": used.owner.email, "sums": sums}]
    assert said["limits"] == [
        {"name": "repositories", "used": 1, "most": 1, "near": True},
        {"name": "reads_a_day", "used": 2, "most": 2, "near": True},
    ]


def test_who_may_not_read_the_log_is_told_of_nobody(
    used: Household, new_person: NewPerson, new_caller: NewCaller
) -> None:
    member = new_caller(used, used.join(new_person(), Role.MEMBER))
    said = member.get("usage").json()
    assert (len(said["days"]), said["people"]) == (30, None)


@pytest.mark.parametrize("days", [0, 367, "x"])
def test_days_have_bounds(caller: Caller, days: object) -> None:
    assert caller.get("usage", days=str(days)).status_code == 422


def test_a_daily_limit_says_when_to_come_again(used: Household, caller: Caller) -> None:
    jwk = {"kty": "OKP", "crv": "X25519", "x": "A" * 42 + "E"}
    answer = caller.post("repositories/api/environment", {"key": jwk})
    assert answer.status_code == 429, answer.content
    assert 0 < int(answer.headers["Retry-After"]) <= 24 * 3600
    assert "limit on secret reads a day" in answer.json()["error"]["message"]


def test_a_limit_on_things_says_so(used: Household, caller: Caller) -> None:
    answer = caller.post("repositories", {"name": "more", "url": "", "labels": []})
    assert (answer.status_code, "Retry-After" in answer.headers) == (403, False)
    assert "limit on repositories set for this tenant (1)" in answer.json()["error"]["message"]
