"""What a change does to one repository's builds, by names of parameters and of sets: no value is opened for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MOST_SETS: Final = 10  # of those that contest a name
MOST_ENTRIES: Final = 1_000  # names, over all repositories: what one answer holds

Holders = Mapping[str, Sequence[str]]  # by name: the sets that give it to a repository, the one that wins first


@dataclass(frozen=True, slots=True)
class Contest:
    """A name that several sets give a repository, the one that wins first, and how many `more` there are."""

    name: str
    sets: list[str]
    more: int


@dataclass(frozen=True, slots=True)
class Switch:
    """A name whose value would come from another set."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RepositoryReach:
    """What changes for one repository; `conflicts` are those that would be new, or among other sets than now."""

    name: str
    gains: list[str]
    loses: list[str]
    switches: list[Switch]
    conflicts: list[Contest]

    @property
    def entries(self) -> int:
        names = len(self.gains) + len(self.loses) + len(self.switches)
        return names + sum(len(contest.sets) for contest in self.conflicts)


def compare(repository: str, before: Holders, after: Holders) -> RepositoryReach:
    changed = [name for name in sorted({*before, *after}) if _of(before, name) != _of(after, name)]
    kept = [name for name in changed if _of(before, name) and _of(after, name)]
    return RepositoryReach(
        name=repository,
        gains=[name for name in changed if not _of(before, name)],
        loses=[name for name in changed if not _of(after, name)],
        switches=[Switch(name, before[name][0], after[name][0]) for name in kept if before[name][0] != after[name][0]],
        conflicts=[
            Contest(name, list(after[name][:MOST_SETS]), max(0, len(after[name]) - MOST_SETS))
            for name in changed
            if len(_of(after, name)) > 1
        ],
    )


def cut(found: Iterable[RepositoryReach]) -> tuple[list[RepositoryReach], int]:
    """Return those where something changes, as many as one answer holds, and how many more there are."""
    shown: list[RepositoryReach] = []
    more = entries = 0
    for each in found:
        if not each.entries:
            continue
        entries += each.entries
        if shown and entries > MOST_ENTRIES:
            more += 1
        else:
            shown.append(each)
    return shown, more


def _of(holders: Holders, name: str) -> list[str]:
    return list(holders.get(name, ()))
