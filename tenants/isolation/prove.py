"""Prove one compartment closed, or find how it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from tenants.isolation import session
from tenants.isolation.areas import attempts, by_key
from tenants.isolation.attempt import Attempt, Outcome
from tenants.isolation.session import Answer
from tenants.registry.models import Tenant

CONNECT: Final = "connect"  # the key of the finding that the tenant's role could not connect
BLOCK: Final = "block"  # … and of the one that the attempts could not be made at all


@dataclass(frozen=True, slots=True)
class Result:
    key: str
    outcome: Outcome
    state: str  # SQLSTATE
    said: str | None = None  # of what is no wall: what was found, or the server's words

    def as_row(self) -> dict[str, str | None]:
        """Return what is stored of it and printed as JSON."""
        return {"key": self.key, "outcome": self.outcome, "answer": self.state, "said": self.said}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is to reach for: some other tenants' schemas, and the session of another role."""

    others: Sequence[str]
    bystander: int  # a backend's pid
    common: Mapping[str, Answer]  # to the attempts that are the same for every tenant

    def neighbours_of(self, tenant: Tenant) -> list[str]:
        return [schema for schema in self.others if schema != tenant.schema]


@dataclass(frozen=True, slots=True)
class Proof:
    tenant: Tenant
    surroundings: Surroundings
    results: tuple[Result, ...]

    @property
    def connected(self) -> bool:
        return all(result.key != CONNECT for result in self.results)

    @property
    def escapes(self) -> list[Result]:
        return [result for result in self.results if result.outcome is Outcome.ESCAPED]

    @property
    def unclear(self) -> list[Result]:
        return [result for result in self.results if result.outcome is Outcome.UNCLEAR]

    @property
    def holds(self) -> bool:
        return not self.escapes and not self.unclear


def prove(tenant: Tenant, surroundings: Surroundings) -> Proof:
    """Try everything as the tenant's own role. What is answered unexpectedly is tried again, at another neighbour."""
    key = CONNECT
    try:
        with session.connect(tenant) as connection:
            key = BLOCK
            results = _attempt(connection, tenant, surroundings, [each for each in attempts() if not each.once], 0)
            doubtful = [by_key()[key] for key, result in results.items() if result.outcome is Outcome.UNCLEAR]
            if doubtful:
                results |= _attempt(connection, tenant, surroundings, doubtful, 1)
    except psycopg.Error as error:
        said = (str(error).strip().splitlines() or [""])[-1][:200]
        return Proof(tenant, surroundings, (Result(key, Outcome.UNCLEAR, error.sqlstate or "08001", said),))
    common = {key: _result(by_key()[key], answer) for key, answer in surroundings.common.items()}
    every = results | common
    return Proof(tenant, surroundings, tuple(every[each.key] for each in attempts() if each.key in every))


def look_around(bystander: psycopg.Connection, others: Sequence[str]) -> Surroundings:
    """Ask once, over a connection of any role, what is the same for every tenant."""
    found = bystander.execute("SELECT pg_backend_pid()").fetchone()
    common = session.run(bystander, [each for each in attempts() if each.once], {})
    return Surroundings(others, found[0] if found else 0, common)


def _attempt(
    connection: psycopg.Connection,
    tenant: Tenant,
    surroundings: Surroundings,
    wanted: Sequence[Attempt],
    turn: int,
) -> dict[str, Result]:
    others = surroundings.neighbours_of(tenant)
    if not others:  # the first tenant of all: nobody is there to be tried, and all the rest is
        wanted = [attempt for attempt in wanted if "{other}" not in attempt.sql]
    places = {
        "own": tenant.schema,
        "other": others[turn % len(others)] if others else "",
        "bystander": str(surroundings.bystander),
        "database": '"' + connection.info.dbname.replace('"', '""') + '"',
    }
    answers = session.run(connection, wanted, places)
    return {attempt.key: _result(attempt, answers[attempt.key]) for attempt in wanted}


def _result(attempt: Attempt, answer: Answer) -> Result:
    outcome = attempt.judge(answer.state, answer.said)
    telling = outcome in {Outcome.ESCAPED, Outcome.UNCLEAR}
    return Result(attempt.key, outcome, answer.state, answer.said if telling else None)
