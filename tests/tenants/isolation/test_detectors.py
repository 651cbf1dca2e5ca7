"""Every attempt can tell an escape: each is shown one, so that none passes only because it can't fail."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tenants.isolation.areas import AREAS, attempts, by_key
from tenants.isolation.attempt import PERMISSION_DENIED, RAN, Attempt, Expect, Outcome
from tenants.isolation.prove import Result
from tests.tenants.isolation.conftest import Pair

WALLS: Final = [attempt.key for attempt in attempts() if attempt.expect in {Expect.REFUSED, Expect.NOTHING}]

# What a superuser finds there only if it is there.
LEFT_ABOUT: Final = """
CREATE DOMAIN {other}.proof_domain AS int;
COMMENT ON SCHEMA {other} IS 'A customer';
CREATE SCHEMA a_customer AUTHORIZATION bulkhead_provisioner;
ANALYZE {other}.audit;
GRANT SELECT ON {other}.sealing_secrets TO PUBLIC;
GRANT SELECT (name) ON {other}.repositories TO PUBLIC;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {other} TO PUBLIC;
CREATE FOREIGN DATA WRAPPER proof_wrapper;
CREATE SERVER proof_server FOREIGN DATA WRAPPER proof_wrapper;
CREATE USER MAPPING FOR {other} SERVER proof_server OPTIONS (password 'x');
CREATE FUNCTION {other}.proof_definer() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
SELECT lo_create(4711);
ALTER ROLE {own} SUPERUSER CONNECTION LIMIT -1;
"""
CLEARED: Final = """
ALTER ROLE {own} NOSUPERUSER CONNECTION LIMIT 100;
SELECT lo_unlink(4711);
DROP FUNCTION {other}.proof_definer();
DROP FOREIGN DATA WRAPPER proof_wrapper CASCADE;
DROP SCHEMA a_customer;
REVOKE USAGE ON ALL SEQUENCES IN SCHEMA {other} FROM PUBLIC;
REVOKE SELECT (name) ON {other}.repositories FROM PUBLIC;
REVOKE SELECT ON {other}.sealing_secrets FROM PUBLIC;
COMMENT ON SCHEMA {other} IS NULL;
DROP DOMAIN {other}.proof_domain;
"""


@pytest.fixture(scope="module")
def without_walls(pair: Pair) -> dict[str, Result]:
    """What a proof says where there is no wall at all: the tenant's role is a superuser."""
    pair.do(LEFT_ABOUT)
    try:
        return pair.prove()
    finally:
        pair.do(CLEARED)


@pytest.mark.parametrize("key", WALLS)
def test_an_attempt_that_succeeds_is_an_escape(key: str, without_walls: dict[str, Result]) -> None:
    assert without_walls[key].outcome is Outcome.ESCAPED, without_walls[key]


def test_with_all_walls_up_nothing_escapes_and_nothing_is_unclear(pair: Pair) -> None:
    proof = pair.prove()
    assert proof.keys() == {attempt.key for attempt in attempts()}
    assert {result for result in proof.values() if result.outcome not in {Outcome.HELD, Outcome.KNOWN}} == set()
    assert {key for key, result in proof.items() if result.outcome is Outcome.KNOWN} == {
        attempt.key for attempt in attempts() if attempt.expect is Expect.KNOWN
    }


@pytest.mark.parametrize("key", [attempt.key for attempt in attempts() if attempt.expect is Expect.WORKS])
def test_a_role_that_can_do_nothing_proves_nothing(pair: Pair, key: str) -> None:
    pair.do("REVOKE USAGE ON SCHEMA {own} FROM {own}")
    try:
        refused = pair.prove()
    finally:
        pair.do("GRANT USAGE ON SCHEMA {own} TO {own}")
    assert refused[key].outcome is (Outcome.HELD if key == "own.role" else Outcome.UNCLEAR)


def test_a_success_is_taken_back(pair: Pair, without_walls: dict[str, Result]) -> None:
    """A superuser dropped schemas, switched triggers off and joined other roles; all of it is as it was."""
    assert without_walls["neighbours.drop"].outcome is Outcome.ESCAPED
    assert without_walls["audit.disable"].outcome is Outcome.ESCAPED
    assert {result.outcome for result in pair.prove().values()} == {Outcome.HELD, Outcome.KNOWN}
    left = pair.administrator.execute("SELECT relname FROM pg_class WHERE relname = 'isolation_proof'").fetchall()
    assert left == []


@pytest.mark.parametrize(
    ("expect", "state", "found", "outcome"),
    [
        (Expect.REFUSED, PERMISSION_DENIED, None, Outcome.HELD),
        (Expect.REFUSED, RAN, None, Outcome.ESCAPED),
        (Expect.REFUSED, "55000", "passed the check", Outcome.ESCAPED),
        (Expect.REFUSED, "42P01", "no such table", Outcome.UNCLEAR),
        (Expect.REFUSED, "55P03", "lock timeout", Outcome.UNCLEAR),
        (Expect.NOTHING, RAN, None, Outcome.HELD),
        (Expect.NOTHING, RAN, "registry", Outcome.ESCAPED),
        (Expect.NOTHING, PERMISSION_DENIED, None, Outcome.HELD),
        (Expect.NOTHING, "42703", "no such column", Outcome.UNCLEAR),
        (Expect.WORKS, RAN, None, Outcome.HELD),
        (Expect.WORKS, PERMISSION_DENIED, None, Outcome.UNCLEAR),
        (Expect.KNOWN, RAN, None, Outcome.KNOWN),
        (Expect.KNOWN, PERMISSION_DENIED, None, Outcome.HELD),
    ],
)
def test_an_answer_means(expect: Expect, state: str, found: str | None, outcome: Outcome) -> None:
    assert Attempt("k", "own", "Try", "SELECT 1", expect, beyond=frozenset({"55000"})).judge(state, found) is outcome


def test_attempts_are_spelled_out_for_customers() -> None:
    areas = {area.key for area in AREAS}
    assert len(by_key()) == len(attempts())
    for attempt in attempts():
        assert attempt.area in areas
        assert attempt.key.startswith(f"{attempt.area}.")
        assert re.fullmatch(r"[A-Z][^{}]{8,110}[^.]", attempt.words), attempt.words
        assert bool(attempt.bearable) == (attempt.expect is Expect.KNOWN)
