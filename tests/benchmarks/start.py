"""`bench start`: the demo's first and later start, against a bare PostgreSQL made and started."""

from __future__ import annotations

import tempfile
from pathlib import Path

from portal.demo.embedded import Stack, wait_for
from portal.demo.ports import remembered
from portal.demo.postgres import child, initialize, is_ready
from portal.demo.running import Portal
from tests.benchmarks.frame import Bench, interleaved


def run(bench: Bench) -> None:
    with tempfile.TemporaryDirectory(prefix="bulkhead-bench-") as directory:
        place = Path(directory)
        seconds = interleaved(
            {
                "first": lambda: _demo(place / "demo", fresh=True),
                "later": lambda: _demo(place / "demo", fresh=False),
                "bare": lambda: _bare_postgres(Path(tempfile.mkdtemp(dir=place))),
            },
            rounds=1 if bench.quick else 3,
        )
    bench.duration("start", seconds["first"], "s", "initdb and start of a bare PostgreSQL", seconds["bare"])
    bench.duration("start_again", seconds["later"], "s", "initdb and start of a bare PostgreSQL", seconds["bare"])


def _demo(directory: Path, *, fresh: bool) -> None:
    with Stack(directory, fresh=fresh) as stack, Portal(stack):
        pass


def _bare_postgres(directory: Path) -> None:
    initialize(directory, "bare", durable=True)
    server = child(directory, remembered(directory / "ports.json", {"postgresql": None})["postgresql"], durable=True)
    server.start()
    try:
        wait_for(server, lambda: is_ready(directory))
    finally:
        server.stop()
