"""The page on which a tenant sees its last proof."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tenants.isolation.areas import attempts
from tenants.isolation.schedule import AT, next_run
from tenants.registry.models import IsolationProof
from tenants.roles import Role
from tests.conftest import Household, NewPerson, acting_as
from tests.portal.views.conftest import NewVisitor, Visitor, text

HELD = {"key": "neighbours.select", "outcome": "held", "answer": "42501", "said": None}
FOUND_NOTHING = {"key": "neighbours.schemas", "outcome": "held", "answer": "BK000", "said": None}
WORKED = {"key": "own.read", "outcome": "held", "answer": "BK000", "said": None}
ESCAPED = {"key": "roles.member", "outcome": "escaped", "answer": "BK000", "said": "t_0123456789abcdef"}
UNCLEAR = {"key": "connect", "outcome": "unclear", "answer": "28P01", "said": "password authentication failed"}
KNOWN = {"key": "known.notify", "outcome": "known", "answer": "BK000", "said": None}
RENAMED = {"key": "audit.of_an_earlier_release", "outcome": "held", "answer": "42501", "said": None}


def store(household: Household, *rows: Mapping[str, str | None], age: timedelta = timedelta(0)) -> None:
    escapes = sum(row["outcome"] == "escaped" for row in rows)
    with acting_as("worker"):
        IsolationProof.objects.create(
            tenant_id=household.tenant.id, at=datetime.now(UTC) - age, results=list(rows), escapes=escapes
        )


def test_before_the_first_proof_it_says_when_there_will_be_one(owner: Visitor) -> None:
    page = text(owner.get("isolation/"))
    assert "Not proven yet" in page
    assert "02:30 UTC" in page


def test_a_proof_is_shown_by_area_with_the_servers_answers(household: Household, owner: Visitor) -> None:
    store(household, WORKED, HELD, FOUND_NOTHING, KNOWN, RENAMED, age=timedelta(hours=5))
    page = text(owner.get("isolation/"))
    assert "Closed: of 4 attempts, none got out Proven 5" in page
    assert "Your own compartment opens 1 work" in page
    assert "Other tenants 2 held" in page
    assert "Read a neighbour's secrets refused 42501" in page
    assert "Enter any other schema of the database, or create there found nothing" in page
    assert "audit.of_an_earlier_release refused 42501" in page
    assert "The portal sends none and listens to none" in page
    assert "This proof is old" not in page


def test_an_escape_is_an_incident(household: Household, owner: Visitor) -> None:
    store(household, HELD, ESCAPED)
    answer = owner.get("isolation/")
    assert "Incident: 1 attempt to leave this compartment succeeded" in text(answer)
    assert "Be a member of any other role succeeded" in text(answer)
    assert "Closed" not in text(answer)
    assert "t_0123456789abcdef" not in text(answer)


def test_a_proof_that_could_not_be_made_is_no_proof(household: Household, owner: Visitor) -> None:
    store(household, UNCLEAR)
    page = text(owner.get("isolation/"))
    assert "The last proof is incomplete" in page
    assert "Connect as the tenant's database role 28P01" in page
    assert "Closed" not in page


def test_an_empty_proof_is_not_called_closed(household: Household, owner: Visitor) -> None:
    store(household)
    assert "Closed" not in text(owner.get("isolation/"))


def test_an_old_proof_says_so(household: Household, owner: Visitor) -> None:
    store(household, HELD, age=timedelta(days=3))
    assert "This proof is old" in text(owner.get("isolation/"))


@pytest.mark.parametrize("role", Role)
def test_every_member_may_see_it(household: Household, new_person: NewPerson, visit: NewVisitor, role: Role) -> None:
    assert visit(household, household.join(new_person(), role)).get("isolation/").status_code == 200


def test_the_overview_leads_there(owner: Visitor) -> None:
    assert f'href="/t/{owner.slug}/isolation/"' in owner.get("").content.decode()


def test_the_next_run_is_tonight_or_tomorrow() -> None:
    before = datetime(2026, 1, 1, 1, 0, tzinfo=UTC)
    assert next_run(before) == datetime(2026, 1, 1, AT.hour, AT.minute, tzinfo=UTC)
    assert next_run(before + timedelta(hours=5)) == datetime(2026, 1, 2, AT.hour, AT.minute, tzinfo=UTC)


def test_a_whole_proof_is_rendered(household: Household, owner: Visitor) -> None:
    store(household, *({**HELD, "key": attempt.key} for attempt in attempts()))
    page = text(owner.get("isolation/"))
    assert all(attempt.words in page for attempt in attempts())
    assert "{own}" not in page
