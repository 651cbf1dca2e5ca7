"""Making one tenant: against django-tenants, and against ourselves when there were few.

Half of our time is the file system's, which makes some sixty files a tenant. ext4 passes over inodes that were deleted
less than five minutes ago one by one: right after a test run or another benchmark was cleared away, ours takes twice as
long, and theirs hardly longer.
"""

from __future__ import annotations

from typing import Final

from tests.benchmarks.frame import Bench, medians
from tests.benchmarks.scale.sides import Ours, Theirs

FEW: Final = 10
MANY: Final = 1_000
MANY_QUICKLY: Final = 150


def many(bench: Bench) -> int:
    return bench.tenants or (MANY_QUICKLY if bench.quick else MANY)


def against_peer(bench: Bench, ours: Ours, theirs: Theirs) -> None:
    ours.grow(FEW)
    theirs.grow(FEW)
    seconds = medians({"ours": ours.create, "clone": theirs.create}, rounds=7 if bench.quick else 21)
    bench.duration("create_tenant", seconds["ours"], "s", "django-tenants, clone_schema", seconds["clone"])
    seconds = medians({"ours": ours.create, "migrations": theirs.create_by_migrations}, rounds=2 if bench.quick else 5)
    reference = "django-tenants, migrations"
    bench.duration("create_tenant_by_migrations", seconds["ours"], "s", reference, seconds["migrations"])


def flat(bench: Bench, ours: Ours, few: Ours) -> None:
    """Compare two servers in turn: one that has many tenants already, one that has ten."""
    ours.grow(many(bench))
    few.grow(FEW)
    seconds = medians({"many": ours.create, "few": few.create}, rounds=9 if bench.quick else 21)
    reference = f"ours at {FEW} tenants (here at {many(bench):,})"
    bench.duration("create_tenant_at_1000", seconds["many"], "s", reference, seconds["few"])
