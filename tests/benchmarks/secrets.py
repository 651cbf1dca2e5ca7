"""`bench secrets`: values read by token, each reading logged before its answer, against OpenBao and against bare SQL.

All servers run on this machine at once and are asked in turn, over 16 connections that are kept. Ours is the web server
as the demo starts it, but with as many threads as connections (so has the bare view), with every guard, its rate limit
(too high to be used up), its line in the server's log and a PostgreSQL that waits for the disk; the answer is sealed to
the caller. OpenBao writes its audit file and answers with the values as they are. The bare view is Django without
middleware and one SQL statement for the same rows: it asks nobody who they are, opens nothing, seals nothing and logs
nothing.

`read_20_crypto` is the processor's time for what a request opens and seals, beside all processors' time that it takes.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.frame import Bench
from tests.benchmarks.reading.bao import values
from tests.benchmarks.reading.sides import Ours, Side, bare_side, our_side, their_side
from tests.benchmarks.scale.contestant import Contestant
from tests.benchmarks.scale.ground import ground

CONNECTIONS: Final = 16
ONE, TWENTY = "one", "twenty"
BAO: Final = "OpenBao KV with its audit file"
RAW: Final = "bare view, raw SQL for the same rows"


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of asking one server for a while."""

    answers: int
    seconds: float
    p99: float

    @property
    def rate(self) -> float:
        return self.answers / self.seconds


def run(bench: Bench) -> None:
    stored = {ONE: values(1), TWENTY: values(20)}
    with (
        tempfile.TemporaryDirectory(prefix="bulkhead-bench-") as directory,
        ground(Path(directory)) as at,
        our_side(at, stored) as ours,
        bare_side(at, ours) as bare,
        their_side(Path(directory) / "bao", stored) as bao,
    ):
        sides: dict[str, tuple[Side, str]] = {
            "ours 1": (ours, ONE),
            "bao 1": (bao, ONE),
            "ours 20": (ours, TWENTY),
            "bao 20": (bao, TWENTY),
            "raw 20": (bare, TWENTY),
        }
        turns = _measured(sides, stored, quick=bench.quick)
        _report(bench, turns, ours)


def _measured(
    sides: Mapping[str, tuple[Side, str]], stored: Mapping[str, Mapping[str, str]], *, quick: bool
) -> dict[str, list[Turn]]:
    rounds, seconds = (3, 1.0) if quick else (9, 4.0)
    turns: dict[str, list[Turn]] = {name: [] for name in sides}
    with Contestant("tests.benchmarks.reading.client", {}) as client:
        for number in range(rounds + 1):
            for name, (side, repository) in sides.items():
                turn = _turn(client, side, repository, stored[repository], 0.5 if number == 0 else seconds)
                turns[name] += [turn] if number else []  # the first one warms
    return turns


def _turn(client: Contestant, side: Side, name: str, expected: Mapping[str, str], seconds: float) -> Turn:
    """Ask for a while. Raises RuntimeError for a wrong answer, and unless every answer is in the log."""
    if set(side.values(name)) != set(expected):
        raise RuntimeError(f"{side}: not the values of {name}")
    before = side.logged(name)
    request = side.request(name)
    told = client.ask("ask", port=request.port, request=request.wire(), connections=CONNECTIONS, seconds=seconds)
    turn = Turn(**told)
    after = side.logged(name)
    if before is not None and after is not None and after - before != turn.answers:
        raise RuntimeError(f"{side}: {turn.answers} answers, {after - before} in the log")
    return turn


def _report(bench: Bench, turns: Mapping[str, list[Turn]], ours: Ours) -> None:
    rate = {name: statistics.median(turn.rate for turn in each) for name, each in turns.items()}
    p99 = {name: statistics.median(turn.p99 for turn in each) for name, each in turns.items()}
    bench.rate("read_1", rate["ours 1"], "requests/s", BAO, rate["bao 1"])
    bench.rate("read_20", rate["ours 20"], "requests/s", BAO, rate["bao 20"])
    bench.duration("read_20_p99", p99["ours 20"], "s", BAO, p99["bao 20"])
    bench.rate("read_20_vs_raw", rate["ours 20"], "requests/s", RAW, rate["raw 20"])
    crypto = ours.cryptography(TWENTY, 200 if bench.quick else 2_000)
    machine = (os.cpu_count() or 1) / rate["ours 20"]
    bench.duration("read_20_crypto", crypto, "s", "the machine's time for a whole request", machine)
