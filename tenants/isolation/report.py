"""A stored proof as its tenant reads it: by area, in plain words, with the server's answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tenants.isolation.areas import AREAS, by_key
from tenants.isolation.attempt import RAN, Area, Expect, Outcome
from tenants.registry.models import IsolationProof

OLD: Final = timedelta(days=2)  # a night was missed
KNOWN: Final = "known"


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt and what came of it; `answer` is the server's SQLSTATE, empty where nothing was refused."""

    key: str
    area: str
    words: str
    outcome: Outcome
    answer: str
    said: str  # in words
    bearable: str


@dataclass(frozen=True, slots=True)
class Part:
    area: Area
    tried: tuple[Tried, ...]

    @property
    def held(self) -> int:
        return self._count(Outcome.HELD)

    @property
    def escaped(self) -> int:
        return self._count(Outcome.ESCAPED)

    @property
    def unclear(self) -> int:
        return self._count(Outcome.UNCLEAR)

    def _count(self, outcome: Outcome) -> int:
        return sum(each.outcome is outcome for each in self.tried)


@dataclass(frozen=True, slots=True)
class Report:
    at: datetime
    tried: tuple[Tried, ...]
    escapes: tuple[Tried, ...]
    unclear: tuple[Tried, ...]
    parts: tuple[Part, ...]  # all but the last area
    known: tuple[Tried, ...]

    @property
    def closed(self) -> bool:
        return not self.escapes and not self.unclear and any(part.held for part in self.parts)

    @property
    def attempts(self) -> int:
        return sum(len(part.tried) for part in self.parts)

    def is_old(self, now: datetime) -> bool:
        return now - self.at > OLD


def report(proof: IsolationProof) -> Report:
    """Read a stored proof; an attempt that the code no longer knows is shown by its key."""
    tried = [_tried(row["key"], Outcome(row["outcome"]), row["answer"]) for row in proof.results]
    parts = [Part(area, tuple(each for each in tried if each.area == area.key)) for area in AREAS]
    return Report(
        at=proof.at,
        tried=tuple(tried),
        escapes=tuple(each for each in tried if each.outcome is Outcome.ESCAPED),
        unclear=tuple(each for each in tried if each.outcome is Outcome.UNCLEAR),
        parts=tuple(part for part in parts if part.tried and part.area.key != KNOWN),
        known=tuple(each for each in tried if each.area == KNOWN),
    )


def _tried(key: str, outcome: Outcome, state: str) -> Tried:
    attempt = by_key().get(key)
    answer = "" if state == RAN else state
    if attempt is None:
        words = _WHOLE.get(key, key)
        return Tried(key, key.partition(".")[0], words, outcome, answer, _SAID[outcome], "")
    said = _SAID[outcome]
    if outcome is Outcome.HELD and attempt.expect is Expect.WORKS:
        said = "works"
    elif outcome is Outcome.HELD and attempt.expect is Expect.NOTHING and not answer:
        said = "found nothing"
    return Tried(key, attempt.area, attempt.words, outcome, answer, said, attempt.bearable)


_WHOLE: Final = {
    "connect": "Connect as the tenant's database role",
    "block": "Make the attempts",
}
_SAID: Final = {
    Outcome.HELD: "refused",
    Outcome.ESCAPED: "succeeded",
    Outcome.UNCLEAR: "proved nothing",
    Outcome.KNOWN: "possible",
}
