"""What is tried from inside a compartment: each attempt is data, and says itself how a success would look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PERMISSION_DENIED: Final = "42501"  # insufficient_privilege
# A schema that may not be entered is passed over in a search path without a word (undefined_table).
UNSEEN: Final = frozenset({PERMISSION_DENIED, "42P01"})
RAN: Final = "BK000"  # the statement ran, and was taken back (see tenants/isolation/session.py)


class Expect(StrEnum):
    """What has to come of an attempt."""

    REFUSED = "refused"  # an answer that is a wall; a statement that runs is an escape
    NOTHING = "nothing"  # a query that returns NULL; the text that it returns otherwise names what it found
    WORKS = "works"  # it has to run: where a tenant can't use its own tables, refusals prove nothing
    KNOWN = "known"  # PostgreSQL can't forbid it: listed with the reason why that is bearable


class Outcome(StrEnum):
    HELD = "held"
    ESCAPED = "escaped"
    UNCLEAR = "unclear"  # something else went wrong than expected: this attempt proved nothing
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt; `sql` may name {own} and {other} (schemas that are roles too) and {bystander} (a backend's pid)."""

    key: str
    area: str
    words: str  # what it tries, for a customer
    sql: str
    expect: Expect = Expect.REFUSED
    walls: frozenset[str] = frozenset({PERMISSION_DENIED})  # SQLSTATEs that are a refusal
    beyond: frozenset[str] = frozenset()  # SQLSTATEs that only whoever passed the wall is answered with
    once: bool = False  # the same from inside every compartment: asked once for many tenants
    bearable: str = ""  # of what is known: what limits the harm

    @property
    def asks(self) -> bool:
        """Say whether the statement is a query whose one value counts."""
        return self.expect is Expect.NOTHING

    def judge(self, state: str, found: str | None) -> Outcome:
        """Return what an answer means: its SQLSTATE, and what the query found or the server said."""
        match self.expect:
            case Expect.KNOWN:
                return Outcome.HELD if state == PERMISSION_DENIED else Outcome.KNOWN
            case Expect.WORKS:
                return Outcome.HELD if state == RAN else Outcome.UNCLEAR
            case Expect.NOTHING if state == RAN:
                return Outcome.HELD if found is None else Outcome.ESCAPED
            case Expect.REFUSED if state == RAN or state in self.beyond:
                return Outcome.ESCAPED
        return Outcome.HELD if state in self.walls else Outcome.UNCLEAR


@dataclass(frozen=True, slots=True)
class Area:
    key: str
    name: str
    about: str


def refused(area: str, rows: Iterable[tuple[str, str, str]]) -> list[Attempt]:
    """Return attempts that have to be refused, from (key, words, SQL)."""
    return [Attempt(f"{area}.{key}", area, words, sql) for key, words, sql in rows]


def nothing(area: str, rows: Iterable[tuple[str, str, str]]) -> list[Attempt]:
    """Return queries that have to find nothing, from (key, words, SQL)."""
    return [Attempt(f"{area}.{key}", area, words, sql, Expect.NOTHING) for key, words, sql in rows]
