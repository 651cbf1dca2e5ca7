"""`manage.py bench NAME…`: measure against a reference, as ratios, in one run."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentTypeError
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

MINIMUM: Final = 20  # tenants; flatness is measured against ten
FOLDER: Final = Path(settings.BASE_DIR) / "tests" / "benchmarks"


def names() -> list[str]:
    """Return what can be measured: a module each; packages hold what those are made of."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in {"__init__", "frame"})


def _size(text: str) -> int:
    if not text.isdecimal() or int(text) < MINIMUM:
        raise ArgumentTypeError(f"at least {MINIMUM}, as a whole number")
    return int(text)


class Command(BaseCommand):
    help = "Measure against a reference. One JSON line a figure on standard output; a table on standard error."
    requires_system_checks = []  # noqa: RUF012 - the shape that Django gives it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="*", help=f"which: {', '.join(names())}; all without")
        parser.add_argument("--quick", action="store_true", help="fewer rounds, the same names")
        parser.add_argument("--tenants", type=_size, metavar="N", help="how many tenants, where a benchmark makes some")

    def handle(self, *_: Any, name: list[str], quick: bool, tenants: int | None, **__: Any) -> None:
        unknown = set(name) - set(names())
        if unknown:
            raise CommandError(f"No benchmark {', '.join(sorted(unknown))}. There are: {', '.join(names())}.")
        # Asked to end, end in order: a benchmark has servers and directories to take down.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        # The benchmarks are no part of the installed product: they are looked up where the tests are.
        bench = import_module("tests.benchmarks.frame").Bench(quick=quick, tenants=tenants)
        for each in name or names():
            import_module(f"tests.benchmarks.{each}").run(bench)
        bench.table()
