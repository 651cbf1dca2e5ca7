"""The builds' pages: names, never values; what each did, for those who may see the log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portal.pages.events import BUILD_STARTED
from tenants.actions import builds, parameters, repositories
from tenants.actions.builds import Started
from tenants.records.audit import append
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.views.conftest import NewVisitor, Visitor, text


@pytest.fixture
def started(household: Household) -> Started:
    with household.enter() as inside:
        repositories.create_repository(inside, name="acme/api", url="", labels=[])
        made = parameters.create_set(inside, name="all", description="", filters=[])
        parameters.set_parameter(inside, made.id, name="STORED", value="tiefes Geheimnis")
        return builds.start_build(
            inside, repository="acme/api", revision="4f0c11d", overrides={"BROUGHT": "mitgebracht"}, ttl=600
        )


def test_before_the_first_build(owner: Visitor) -> None:
    assert "No builds yet" in text(owner.get("builds/"))


def test_a_build_is_shown_by_names(owner: Visitor, started: Started) -> None:
    listed = text(owner.get("builds/"))
    assert "acme/api 4f0c11d" in listed
    assert "running" in listed
    shown = text(owner.get(f"builds/{started.build.id}/"))
    assert "BROUGHT" in shown
    assert "build.started" in shown
    assert "STORED" in shown
    for page in (listed, shown):
        assert "Geheimnis" not in page
        assert "mitgebracht" not in page


def test_a_build_is_ended_after_a_question(owner: Visitor, started: Started) -> None:
    path = f"builds/{started.build.id}/end/"
    assert "End the build of acme/api?" in text(owner.get(path))
    after = owner.after(owner.post(path))
    assert "The build of acme/api was ended." in after
    assert "cancelled" in after
    assert "shredded" in after
    assert "build.ended" in after
    assert "has ended already" in owner.after(owner.post(path))


@pytest.mark.parametrize("odd", [{}, {"detail": [1]}, {"detail": {"names": [[1]]}}, {"action": []}])
def test_an_entry_that_the_portal_did_not_write_breaks_no_page(
    household: Household, owner: Visitor, started: Started, odd: dict[str, Any]
) -> None:
    with household.enter() as inside:
        append(inside.alias, json.dumps({"build": str(started.build.id), **odd}, separators=(",", ":")))
    answer = owner.get(f"builds/{started.build.id}/")
    assert answer.status_code == 200
    assert "it was not written by the portal" in text(answer)
    assert "build.started" in text(answer)


def test_who_may_not_see_the_log_sees_the_build(
    household: Household, started: Started, new_person: NewPerson, visit: NewVisitor
) -> None:
    member = visit(household, household.join(new_person(), Role.MEMBER))
    shown = text(member.get(f"builds/{started.build.id}/"))
    assert "BROUGHT" in shown
    assert "What it did" not in shown
    auditor = visit(household, household.join(new_person("auditor"), Role.AUDITOR))
    shown = text(auditor.get(f"builds/{started.build.id}/"))
    assert "What it did" in shown
    assert "End it" not in shown


def test_the_event_is_documented(visit: NewVisitor) -> None:
    page = text(visit().get("/docs/events/"))
    assert BUILD_STARTED in page
    for field in ("enc", "environment", "overrides", "ends_by", "decrypt-key", "promise"):
        assert field in page
    schema = visit().get("/docs/events/build-started-1.json").json()
    assert schema["$id"] == BUILD_STARTED
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) <= set(schema["properties"])
