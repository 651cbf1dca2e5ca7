"""The versions of the tenant's key, as the API's caller sees them."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.conftest import Household
from tests.portal.api.conftest import Caller
from tests.tenants.rotation.conftest import turn


def test_versions_are_listed_without_a_key(household: Household, caller: Caller) -> None:
    turn(household, "test")
    said = caller.get("keys").json()
    newest, oldest = said["versions"]
    assert (newest["version"], newest["state"], newest["uses"], newest["retired_at"]) == (2, "current", 1, None)
    assert (oldest["version"], oldest["state"], oldest["uses"]) == (1, "replaced", 1)
    made = datetime.fromisoformat(newest["created_at"])
    assert abs(datetime.fromisoformat(said["rotates_at"]) - made - timedelta(days=14)) < timedelta(seconds=1)
    assert set(newest) == {"version", "state", "key_service", "uses", "created_at", "retired_at"}
