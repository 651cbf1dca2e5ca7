"""`bench start`: the demo's first and later start, against a bare PostgreSQL made and started."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from portal.demo.embedded import Stack, wait_for
from portal.demo.ports import remembered
from portal.demo.postgres import child, initialize, is_ready
from portal.demo.running import Portal
from tests.benchmarks.frame import Bench, medians


def run(bench: Bench) -> None:
    with tempfile.TemporaryDirectory(prefix="bulkhead-bench-") as directory:
        place = Path(directory)
        seconds = medians(
            {
                "first": lambda: _demo(place / "demo", fresh=True),
                "later": lambda: _demo(place / "demo", fresh=False),
                "bare": lambda: _bare_postgres(Path(tempfile.mkdtemp(dir=place))),
            },
            rounds=1 if bench.quick else 3,
        )
    bench.duration("start", seconds["first"], "s", "initdb and start of a bare PostgreSQL", seconds["bare"])
    bench.duration("start_again", seconds["later"], "s", "initdb and start of a bare PostgreSQL", seconds["bare"])


def _demo(directory: Path, *, fresh: bool) -> float:
    """Return the seconds until everything is ready; stopping is not counted."""
    began = time.perf_counter()
    with Stack(directory, fresh=fresh) as stack, Portal(stack):
        return time.perf_counter() - began


def _bare_postgres(directory: Path) -> float:
    began = time.perf_counter()
    initialize(directory, "bare", durable=True)
    server = child(directory, remembered(directory / "ports.json", {"postgresql": None})["postgresql"], durable=True)
    server.start()
    try:
        wait_for(server, lambda: is_ready(directory))
        return time.perf_counter() - began
    finally:
        server.stop()
