"""A process that acts when it is asked to, and says what came of it: a JSON line in, a JSON line out.

Each side needs Django settings of its own, and two can't live in one process. Times are taken in the process that acts,
so that the pipe between costs neither side anything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from portal.demo.children import ROOT


class Contestant:
    """`python -m MODULE` with these variables. Asking raises RuntimeError when it has died; what it said is above."""

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self._command, self._environment = [sys.executable, "-m", module], {**os.environ, **environment}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()  # closes its standard input, at whose end it leaves

    def ask(self, act: str, **arguments: Any) -> Any:
        request, answer = self._process.stdin, self._process.stdout
        if request is None or answer is None:
            raise RuntimeError(f"{self._command[-1]} has no pipes")
        request.write(json.dumps([act, arguments]) + "\n")
        request.flush()
        line = answer.readline()
        if not line:
            raise RuntimeError(f"{self._command[-1]} ended while asked to {act}")
        return json.loads(line)


def serve(acts: Mapping[str, Callable[..., Any]]) -> None:
    """Answer until standard input ends. What an act prints goes to standard error: standard output is the answers'."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        act, arguments = json.loads(line)
        print(json.dumps(acts[act](**arguments)), file=answers, flush=True)


def timed(act: Callable[[], object]) -> float:
    """Return the seconds that it takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def manage(environment: Mapping[str, str], *arguments: str) -> None:
    """Run a command of Django's and wait. Raises RuntimeError with what it said."""
    command = [sys.executable, "-m", "django", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
