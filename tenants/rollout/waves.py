"""In which order tenants are migrated: a few first, whose failure spares all others."""

from __future__ import annotations

from collections.abc import Sequence

from tenants.rollout.behind import Target

_SECOND_SHARE = 10  # one in ten of those after the canaries


def in_order(targets: Sequence[Target]) -> list[Target]:
    """Return those marked as canaries first, then those in which the last run failed, then by slug."""
    return sorted(targets, key=lambda target: (not target.canary, not target.failure, target.slug))


def canaries(ordered: Sequence[Target], least: int) -> list[Target]:
    """Return who goes first: all that are marked, and at least so many."""
    return list(ordered[: max(least, sum(target.canary for target in ordered))])


def a_tenth(ordered: Sequence[Target]) -> list[Target]:
    return list(ordered[: -(-len(ordered) // _SECOND_SHARE)])
