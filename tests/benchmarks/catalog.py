"""`bench catalog`: what many tenants cost one PostgreSQL, each figure beside itself at ten tenants.

A ratio near 1 is flat; one that falls as tenants are added says what to watch (see deploy/database/SCALING.md).
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.frame import Bench
from tests.benchmarks.scale import backend, servers, sizes
from tests.benchmarks.scale.ground import Ground, ground

SMALL: Final = 10
# pg_dump locks every table that it dumps, all at once; so does whoever drops many tenants in one transaction.
LOCKS_PER_TENANT: Final = 40


@dataclass(frozen=True, slots=True)
class Figure:
    unit: str
    of: Callable[[Ground], float]


FIGURES: Final[Mapping[str, Figure]] = {
    "create": Figure("s", lambda at: statistics.median(servers.create(at, 7))),
    "drop": Figure("s", lambda at: statistics.median(servers.drop(at, 7))),
    "connect": Figure("s", backend.connect),
    "first_query": Figure("s", backend.first_query),
    "plan": Figure("ms", backend.plan),
    "memory_connected": Figure("MB", lambda at: backend.memory(at, 0)),
    "memory_1": Figure("MB", lambda at: backend.memory(at, 1)),
    "memory_10": Figure("MB", lambda at: backend.memory(at, 10)),
    "memory_100": Figure("MB", lambda at: backend.memory(at, 100)),
    "pg_class": Figure("MB", lambda at: sizes.relation(at, "pg_class")),
    "pg_attribute": Figure("MB", lambda at: sizes.relation(at, "pg_attribute")),
    "pg_catalog": Figure("MB", sizes.catalogs),
    "database": Figure("MB", sizes.database),
    "files": Figure("files", sizes.files),
    "own_tables": Figure("s", backend.own_tables),
    "who_is_behind": Figure("s", backend.who_is_behind),
    "autovacuum_look": Figure("s", servers.autovacuum_look),
    "vacuum": Figure("s", servers.vacuum),
    "dump_one": Figure("s", servers.dump_one),
    "dump_all": Figure("s", servers.dump_all),
    "start": Figure("s", servers.start),
    "start_after_crash": Figure("s", servers.start_after_crash),
}


def run(bench: Bench) -> None:
    largest = bench.tenants or (100 if bench.quick else 1_000)
    with tempfile.TemporaryDirectory(prefix="bulkhead-bench-") as directory, ground(Path(directory)) as at:
        servers.allow_locks(at, LOCKS_PER_TENANT * largest)
        servers.grow(at, SMALL)
        small = _measured(at)
        for size in sorted({min(1_000, largest), largest}):
            servers.grow(at, size)
            for name, value in _measured(at).items():
                bench.duration(f"{name}_at_{size}", value, FIGURES[name].unit, f"at {SMALL} tenants", small[name])


def _measured(at: Ground) -> dict[str, float]:
    return {name: figure.of(at) for name, figure in FIGURES.items()}
