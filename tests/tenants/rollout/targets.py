"""Tenants on paper, for tests of order alone."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from tenants.rollout.behind import Target


def targets(number: int, *, failed: Collection[int] = ()) -> list[Target]:
    return [
        Target(UUID(int=n), f"t{n:04}", f"t_{n:016x}", "0001_initial", canary=False, failure="x" if n in failed else "")
        for n in range(number)
    ]
