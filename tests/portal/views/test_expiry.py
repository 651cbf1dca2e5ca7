"""Dates of parameters are seen where people look: the overview, the list of sets, the set."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tenants.actions import parameters
from tests.conftest import Household
from tests.portal.views.conftest import Visitor, text


@pytest.mark.usefixtures("one_day")
def test_what_expires_is_shown_on_each_way_to_it(household: Household, owner: Visitor, deploy: uuid.UUID) -> None:
    today = datetime.now(UTC).date()

    def pages() -> list[str]:
        return [text(owner.get(path)) for path in ("", "parameters/", f"parameters/{deploy}/")]

    with household.enter() as inside:
        parameters.set_parameter(inside, deploy, name="LATER", value="x", expires_on=today + timedelta(days=31))
    assert not any("expiring" in page.lower() or "within 30 days" in page for page in pages())
    with household.enter() as inside:
        gone = parameters.create_set(inside, name="gone", description="", filters=[])
        parameters.set_parameter(inside, gone.id, name="GONE", value="x", expires_on=today)
        parameters.delete_set(inside, gone.id)
        for name, days in (("SOON", 30), ("PAST", -1)):
            parameters.set_parameter(inside, deploy, name=name, value="x", expires_on=today + timedelta(days=days))
    overview, listed, shown = pages()
    assert "Expiring soon" in overview
    assert "PAST deploy expired" in overview
    assert "1 Parameter sets" in overview
    assert "deploy 2 expiring" in listed
    assert "2 parameters of this set expire within 30 days or have expired. Builds still get their values." in shown
