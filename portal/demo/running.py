"""The whole portal over a stack: prepares the database, starts each process, waits until all are ready, stops them.

with Stack(directory) as stack, Portal(stack) as portal:
    httpx.get(stack.base_url)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

from portal.demo import freshness, processes
from portal.demo.children import Child
from portal.demo.embedded import Process, Stack
from portal.demo.errors import DemoError
from portal.demo.progress import Progress
from portal.demo.startstop import StartStop

PATIENCE = 180.0  # seconds for all processes together; two free cores need a few, and two busy ones many times that


class Portal(StartStop):
    """Starting raises DemoError, with the end of the log, when a process dies or doesn't become ready."""

    def __init__(self, stack: Stack, progress: Progress | None = None) -> None:
        self.stack = stack
        self.children: list[Child] = []
        self._progress = progress or Progress(quiet=True)

    def start(self) -> None:
        self._begin(processes.identity(self.stack))  # needs no database
        prepare(self.stack, self._progress)
        for make in (processes.web, processes.worker, processes.provisioner):
            self._begin(make(self.stack))
        self._wait_until_ready()
        self._begin(processes.beat(self.stack))  # only ticks, and nobody waits for its first one

    def stop(self) -> None:
        """Stop taking requests and making tasks first, then let the workers finish what they hold."""
        for names in ({"web", "beat", "identity"}, {"worker", "provisioner"}):
            group = [child for child in self.children if child.name in names]
            for child in group:
                child.ask_to_stop()
            for child in group:
                child.stop()
        self.children.clear()

    def _begin(self, child: Child) -> None:
        self.children.append(child)
        child.start()

    def _wait_until_ready(self) -> None:
        with closing(processes.Workers(self.stack)) as workers:
            tests: dict[str, Callable[[], bool]] = {
                "identity": lambda: processes.listens(self.stack.ports["identity"]),
                "web": lambda: processes.answers(f"{self.stack.base_url}/health/ready"),
                "worker": lambda: workers.answering("worker", "provisioner"),
                "provisioner": lambda: True,  # asked together with the worker
            }
            with self._progress.step("Web server, workers and identity provider"):
                self._wait_for({child: tests[child.name] for child in self.children})

    def _wait_for(self, tests: dict[Child, Callable[[], bool]]) -> None:
        deadline = time.monotonic() + PATIENCE
        pending = list(tests)
        while pending:
            pending = [child for child in pending if not tests[child]()]
            _complain(self.children, pending, late=time.monotonic() > deadline)
            time.sleep(0.05)


def _complain(children: list[Child], pending: list[Child], *, late: bool) -> None:
    for child in children:
        if not child.running:
            raise DemoError(f"{child.name} ended while starting. The end of {child.log}:\n{child.last_words()}")
    if late and pending:
        child = pending[0]
        raise DemoError(f"{child.name} takes too long to start. The end of {child.log}:\n{child.last_words()}")


def prepare(stack: Stack, progress: Progress) -> None:
    """Migrate the database and collect static files, at once and only as far as something changed."""
    with freshness.one_at_a_time():
        _prepare(stack, progress)


def _prepare(stack: Stack, progress: Progress) -> None:
    jobs: list[tuple[freshness.Step, Process, list[list[str]]]] = [
        (freshness.migration(stack.directory), "owner", [["migrate", "--no-input", "-v", "1"], ["migrate_tenants"]]),
        (freshness.static_files(), "web", [["collectstatic", "--no-input", "--clear", "-v", "0"]]),
    ]
    todo: list[tuple[freshness.Step, list[Child]]] = [
        (step, [processes.manage(stack, process, *arguments) for arguments in commands])
        for step, process, commands in jobs
        if not step.is_done
    ]
    if not todo:
        return
    with progress.step(" and ".join(child.name for _, children in todo for child in children)):
        _run_all(todo)


def _run_all(todo: list[tuple[freshness.Step, list[Child]]]) -> None:
    """Run each step's commands one after the other, the first ones of all steps side by side."""
    try:
        for _, children in todo:
            children[0].start()
        for step, children in todo:
            for child in children:
                if child is not children[0]:
                    child.start()
                if child.wait() != 0:
                    raise DemoError(f"manage.py {child.name} failed. The end of {child.log}:\n{child.last_words()}")
            step.done()
    finally:
        for _, children in todo:
            for child in children:
                child.stop()
