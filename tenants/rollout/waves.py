"""In which order tenants are migrated: a few first, whose failure spares all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tenants.rollout.behind import Target

_SECOND_SHARE: Final = 10  # one in ten of those after the canaries


@dataclass(frozen=True, slots=True)
class Wave:
    name: str
    targets: Sequence[Target]


def waves(targets: Sequence[Target], canaries: int) -> list[Wave]:
    """Return up to three waves: canaries, a tenth, the rest.

    Canaries are the tenants marked so; others fill up to `canaries`, those first in which the last run failed.
    """
    ordered = sorted(targets, key=lambda target: (not target.canary, not target.failure, target.slug))
    first = max(canaries, sum(target.canary for target in ordered))
    rest = ordered[first:]
    second = -(-len(rest) // _SECOND_SHARE)
    named = [Wave("canaries", ordered[:first]), Wave("a tenth", rest[:second]), Wave("the rest", rest[second:])]
    return [wave for wave in named if wave.targets]
