"""An operator's limits: written as a migration, seen in the tenant's log, undone as they were done."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.operations import SetLimits
from tenants.registry.allowances import allowances
from tenants.registry.models import Tenant
from tests.conftest import Household
from tests.tenants.operations.conftest import acts, apply


def live(household: Household) -> dict[str, int]:
    return dict(allowances(Tenant.objects.get(id=household.tenant.id)))


def test_limits_are_set_replaced_undone_and_logged(household: Household) -> None:
    first = SetLimits(household.slug, builds_a_day=200, repositories=50)
    second = SetLimits(household.slug, replaces={"builds_a_day": 200, "repositories": 50}, builds_a_day=500)
    apply(first)
    assert live(household) == {"builds_a_day": 200, "repositories": 50}
    apply(second)
    with household.enter() as inside:
        assert dict(inside.limits) == {"builds_a_day": 500}
    apply(second, backwards=True)
    assert live(household) == {"builds_a_day": 200, "repositories": 50}
    apply(first, backwards=True)
    assert live(household) == {}
    said = [act for act in acts(household.tenant) if act["action"] == "tenant.limits_set"]
    assert [act["actor_kind"] for act in said] == ["operator"] * 4
    assert said[1]["detail"] == {
        "limits": ["builds_a_day 500"],
        "limits_before": ["repositories 50", "builds_a_day 200"],
    }


def test_what_is_not_as_the_migration_says_is_left_alone(household: Household) -> None:
    apply(SetLimits(household.slug, members=5))
    with pytest.raises(ValueError, match="has the limits members 5, and not none: nothing was changed"):
        apply(SetLimits(household.slug, members=10))
    assert live(household) == {"members": 5}


@pytest.mark.parametrize(
    "wrong",
    [
        {"member": 1},
        {"members": -1},
        {"members": 2**31},
        {"members": True},
        {"members": "5"},
        {"members": 5, "replaces": {"members": 5}},
        {},
    ],
    ids=["name", "negative", "large", "truth", "text", "same", "nothing"],
)
def test_what_is_no_limit_is_refused_as_it_is_written(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        SetLimits("good-slug", **wrong)
