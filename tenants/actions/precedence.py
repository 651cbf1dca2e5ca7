"""Which of two sets wins a name that both define, for one repository: the more specific filter, then the newer set."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

Rank = tuple[int, float, str]


def matches(filters: Sequence[Sequence[str]], carried: Collection[str]) -> bool:
    """Say in Python what records/labels.py says in SQL; for previews alone, never to decide what a build gets."""
    return not filters or any(alternative and set(alternative) <= set(carried) for alternative in filters)


def rank(filters: Sequence[Sequence[str]], created_at: datetime, set_id: UUID, carried: Collection[str]) -> Rank:
    """Return what sorts sets: most labels in an alternative that matches, then age, then the id; the highest wins."""
    matching = [len(alternative) for alternative in filters if set(carried).issuperset(alternative)]
    return max(matching, default=0), created_at.timestamp(), str(set_id)
