"""Which of two sets wins a name that both define, for one repository: the more specific filter, then the newer set."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

Rank = tuple[int, float, str]

# What sorts the sets `s` that match the repository `r` in a query, the winner first; `rank` says the same in Python.
WINS_FIRST: Final = """(
    SELECT coalesce(max(jsonb_array_length(alternative)), 0) FROM jsonb_array_elements(s.filters) AS alternative
    WHERE r.labels @> alternative) DESC, s.created_at DESC, s.id DESC"""


def matches(filters: Sequence[Sequence[str]], carried: Collection[str]) -> bool:
    """Say in Python what records/labels.py says in SQL; for previews alone, never to decide what a build gets."""
    return not filters or any(alternative and set(alternative) <= set(carried) for alternative in filters)


def rank(filters: Sequence[Sequence[str]], created_at: datetime, set_id: UUID, carried: Collection[str]) -> Rank:
    """Return what sorts sets: most labels in an alternative that matches, then age, then the id; the highest wins."""
    matching = [len(alternative) for alternative in filters if set(carried).issuperset(alternative)]
    return max(matching, default=0), created_at.timestamp(), str(set_id)
