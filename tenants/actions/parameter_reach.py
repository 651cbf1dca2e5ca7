"""What a change of a set would do: which repositories gain or lose which names, and what wins where.

The database matches and ranks, as it does for builds: a preview has no rules of its own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from django.db import connections
from django.db.models import Q

from tenants import validation
from tenants.actions.parameter_values import live_parameters, live_sets
from tenants.actions.precedence import WINS_FIRST
from tenants.actions.reach_changes import Holders, RepositoryReach, compare, cut
from tenants.actions.rows import fetch
from tenants.compartment import Compartment, requires
from tenants.errors import NotFound
from tenants.records.labels import Pair, matching, repository_matches, stored_filters
from tenants.records.models import Parameter, ParameterSet, Repository
from tenants.roles import Permission

MOST: Final = 100  # repositories
_RANKED_AT_MOST: Final = 10_000  # times that a set is ranked for a repository

Filters = list[list[str]]

# The set itself takes part twice: with its filters as they are, and as they would be.
_RANK: Final = f"""
SELECT r.name, s.key FROM repositories r JOIN (
    SELECT id, id::text AS key, filters, created_at FROM parameter_sets WHERE id = ANY(%(rivals)s)
    UNION ALL SELECT id, 'before', %(before)s::jsonb, created_at FROM parameter_sets WHERE id = %(own)s
    UNION ALL SELECT id, 'after', %(after)s::jsonb, created_at FROM parameter_sets WHERE id = %(own)s
) s ON {matching("s.filters", "r.labels")}
WHERE r.name = ANY(%(repositories)s) ORDER BY r.name, {WINS_FIRST}"""  # noqa: S608 - parts of ours


@dataclass(frozen=True, slots=True)
class ReachPreview:
    """What would change, where something would; and for how many `more` repositories something may.

    `everything`: the filter is empty and reaches every repository, also those to come.
    """

    everything: bool
    repositories: list[RepositoryReach]
    more: int


@requires(Permission.PARAMETERS_LIST)
def preview_reach(compartment: Compartment, filters: Sequence[Sequence[Pair]], *, set_id: UUID) -> ReachPreview:
    """Return what saving `filters` would change for the set."""
    after = stored_filters(validation.filters(filters))
    own = fetch(live_sets(), id=set_id)
    names = _names(own)
    return _preview(compartment, own, _Side(own.filters, names), _Side(after, names))


@requires(Permission.PARAMETERS_LIST)
def preview_names(
    compartment: Compartment, set_id: UUID, *, added: Iterable[str] = (), deleted: Collection[UUID] = ()
) -> ReachPreview:
    """Return what adding these names to the set, and deleting these parameters of it, would change.

    Raises Invalid for what can't be a name, NotFound for a parameter that is not there.
    """
    given = {validation.variable(name, "adds") for name in added}
    own = fetch(live_sets(), id=set_id)
    names = _names(own)
    dropped = set(live_parameters(set_id).filter(id__in=deleted).values_list("name", flat=True)) if deleted else set()
    if len(dropped) != len(set(deleted)):
        raise NotFound
    return _preview(compartment, own, _Side(own.filters, names), _Side(own.filters, names - dropped | given))


@requires(Permission.PARAMETERS_LIST)
def preview_set(compartment: Compartment, set_id: UUID) -> ReachPreview:
    """Return what deleting the set would change; what restoring it would, if it is deleted."""
    own = fetch(ParameterSet.objects.all(), id=set_id)
    there, gone = _Side(own.filters, _names(own)), _Side(own.filters, frozenset())
    return _preview(compartment, own, *((there, gone) if own.deleted_at is None else (gone, there)))


@dataclass(frozen=True, slots=True)
class _Side:
    """A set before the change, or after: the names that it gives to whom its filters match."""

    filters: Filters
    names: frozenset[str]


def _preview(compartment: Compartment, own: ParameterSet, before: _Side, after: _Side) -> ReachPreview:
    names = before.names ^ after.names if before.filters == after.filters else before.names | after.names
    rivals = _rivals(own.id, names)
    reached = Repository.objects.filter(Q(repository_matches(before.filters)) | Q(repository_matches(after.filters)))
    others = {key for keys in rivals.values() for key in keys}
    most = max(1, min(MOST, _RANKED_AT_MOST // (len(others) + 2)))
    looked_at = list(reached.order_by("name").values_list("name", flat=True)[:most]) if names else []
    left = reached.count() - most if len(looked_at) == most else 0
    view = _View(own, before, after, names, rivals, _titles(others))
    sides = {"own": own.id, "before": json.dumps(before.filters), "after": json.dumps(after.filters)}
    ranked = _ranked(compartment, {**sides, "rivals": [UUID(each) for each in others], "repositories": looked_at})
    shown, more = cut(view.of(*each) for each in ranked)
    return ReachPreview(not after.filters, shown, more + left)


@dataclass(frozen=True, slots=True)
class _View:
    own: ParameterSet
    before: _Side
    after: _Side
    names: frozenset[str]
    rivals: dict[str, frozenset[str]]  # by name
    titles: dict[str, str]

    def of(self, repository: str, ranked: list[str]) -> RepositoryReach:
        before = self._holders(ranked, "before", self.before)
        return compare(repository, before, self._holders(ranked, "after", self.after))

    def _holders(self, ranked: list[str], key: str, side: _Side) -> Holders:
        known: dict[tuple[frozenset[str], bool], list[str]] = {}  # many names are in the same sets
        found = {}
        for name in self.names:
            holds = self.rivals.get(name, frozenset()), name in side.names
            if holds not in known:
                known[holds] = [
                    self.titles.get(each, self.own.name)
                    for each in ranked
                    if each in holds[0] or (holds[1] and each == key)
                ]
            found[name] = known[holds]
        return found


def _names(own: ParameterSet) -> frozenset[str]:
    return frozenset(own.parameters.filter(deleted_at=None).values_list("name", flat=True))


def _rivals(own: UUID, names: Collection[str]) -> dict[str, frozenset[str]]:
    """Return the other sets that define these names: nothing else can change when this set does."""
    rows = Parameter.objects.filter(deleted_at=None, set__deleted_at=None, name__in=names).exclude(set_id=own)
    pairs = rows.order_by("name").values_list("name", "set_id") if names else ()
    return {name: frozenset(str(key) for _, key in group) for name, group in groupby(pairs, itemgetter(0))}


def _titles(sets: Collection[str]) -> dict[str, str]:
    rows = ParameterSet.objects.filter(id__in=sets).values_list("id", "name") if sets else ()
    return {str(key): name for key, name in rows}


def _ranked(compartment: Compartment, which: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield repositories, each with the sets that match it, the one that wins first."""
    if not which["repositories"]:
        return
    with connections[compartment.alias].cursor() as cursor:
        cursor.execute(_RANK, which)
        for repository, rows in groupby(cursor.fetchall(), itemgetter(0)):
            yield repository, [key for _, key in rows]
