"""What saving other filters would change: which repositories gain or lose which names, and what wins where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from django.db.models import Q

from tenants import validation
from tenants.actions.parameter_values import live_parameters, live_sets
from tenants.actions.precedence import matches, rank
from tenants.actions.rows import fetch
from tenants.compartment import Compartment, requires
from tenants.records.labels import Pair, repository_matches, stored_filters
from tenants.records.models import Parameter, ParameterSet, Repository
from tenants.roles import Permission

MOST: Final = 100  # repositories

Filters = list[list[str]]


@dataclass(frozen=True, slots=True)
class Contest:
    """A name that several sets give a repository, the one that wins first."""

    name: str
    sets: list[str]


@dataclass(frozen=True, slots=True)
class Switch:
    """A name whose value would come from another set."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RepositoryReach:
    """What one repository would have of this set's names."""

    name: str
    reached: bool
    gains: list[str]
    loses: list[str]
    switches: list[Switch]
    conflicts: list[Contest]


@dataclass(frozen=True, slots=True)
class ReachPreview:
    """`everything`: the filter is empty and reaches every repository, also those to come. `more`: MOST are shown."""

    everything: bool
    repositories: list[RepositoryReach]
    more: bool


@requires(Permission.PARAMETERS_LIST)
def preview_reach(
    compartment: Compartment, filters: Sequence[Sequence[Pair]], *, set_id: UUID | None = None, name: str = ""
) -> ReachPreview:
    """Return what saving `filters` would change for the set `set_id`, or for a new one called `name`."""
    after = stored_filters(validation.filters(filters))
    own, before = _own(set_id, name)
    names = list(live_parameters(own.id).order_by("name").values_list("name", flat=True)) if set_id else []
    rivals = _rivals(own.id, names)
    reached = Q(repository_matches(after))
    if before is not None:
        reached |= Q(repository_matches(before))
    rows = list(Repository.objects.filter(reached).order_by("name")[: MOST + 1])
    view = _View(own, before, after, names, rivals)
    return ReachPreview(not after, [view.of(row.name, set(row.labels)) for row in rows[:MOST]], len(rows) > MOST)


@dataclass(frozen=True, slots=True)
class _View:
    own: ParameterSet
    before: Filters | None
    after: Filters
    names: list[str]
    rivals: dict[str, list[ParameterSet]]  # by name

    def of(self, repository: str, carried: set[str]) -> RepositoryReach:
        before = {name: self._holders(name, self.before, carried) for name in self.names}
        after = {name: self._holders(name, self.after, carried) for name in self.names}
        return RepositoryReach(
            name=repository,
            reached=matches(self.after, carried),
            gains=[name for name in self.names if after[name] and not before[name]],
            loses=[name for name in self.names if before[name] and not after[name]],
            switches=[
                Switch(name, before[name][0], after[name][0])
                for name in self.names
                if before[name] and after[name] and before[name][0] != after[name][0]
            ],
            conflicts=[Contest(name, after[name]) for name in self.names if len(after[name]) > 1],
        )

    def _holders(self, name: str, own_filters: Filters | None, carried: set[str]) -> list[str]:
        sets = [(each, each.filters) for each in self.rivals.get(name, [])]
        if own_filters is not None:
            sets.append((self.own, own_filters))
        ranked = [
            (rank(filters, each.created_at, each.id, carried), each.name)
            for each, filters in sets
            if matches(filters, carried)
        ]
        return [name for _, name in sorted(ranked, reverse=True)]


def _own(set_id: UUID | None, name: str) -> tuple[ParameterSet, Filters | None]:
    """Return the set, and its filters as they are stored now (None: there is no set yet)."""
    if set_id is None:
        return ParameterSet(id=uuid4(), name=name, created_at=datetime.now(UTC)), None
    found = fetch(live_sets(), id=set_id)
    return found, found.filters


def _rivals(own: UUID, names: list[str]) -> dict[str, list[ParameterSet]]:
    """Return the other sets that define these names: nothing else can change when this set's filters do."""
    rivals: dict[str, list[ParameterSet]] = {}
    rows = Parameter.objects.filter(deleted_at=None, set__deleted_at=None, name__in=names).exclude(set_id=own)
    for row in rows.select_related("set") if names else ():
        rivals.setdefault(row.name, []).append(row.set)
    return rivals
