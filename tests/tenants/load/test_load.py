"""Two tenants with fifty threads each, workers included, errors and timeouts thrown in: no row of the other tenant."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db.models.functions import Now

from portal.demo import processes
from portal.demo.children import ROOT
from portal.demo.embedded import Process, Stack, wait_for
from tenants.actions import connections, messages
from tenants.databases.base import close_compartments
from tenants.pagination import PageRequest
from tenants.registry.due import Due
from tests.conftest import Household
from tests.measuring import measuring_nothing
from tests.tenants.databases.conftest import Backends
from tests.tenants.databases.pooler import Pooler, pooling
from tests.tenants.load.requests import REQUESTS

Environment = Callable[[Process], Mapping[str, str]]


@pytest.fixture
def pair(household: Household, neighbour: Household, no_worker: None) -> list[Household]:
    """Two tenants that send each other messages, which the portal's worker, should one run, leaves to the load's."""
    for provider, consumer in [(household, neighbour), (neighbour, household)]:
        with provider.enter() as inside:
            connection = connections.propose(inside, other_slug=consumer.slug, direction="send")
        with consumer.enter() as inside:
            connections.accept(inside, connection.id)
    return [household, neighbour]


@pytest.fixture(autouse=True)
def _alone(pair: list[Household], administrator: psycopg.Connection) -> None:
    """Put off what is due for other tests' tenants: the worker would visit them meanwhile, each over a pool more."""
    later = """UPDATE registry.due SET due_at = now() + interval '15 min'
        WHERE due_at < now() + interval '15 min' AND tenant_id <> ALL (%s)"""
    administrator.execute(later, [[house.tenant.id for house in pair]])


@contextmanager
def worker(stack: Stack, environment: Mapping[str, str], directory: Path) -> Iterator[None]:
    child = replace(processes.worker(stack), name="load", directory=directory, environment=environment)
    child.start()
    try:
        wait_for(child, lambda: " ready." in child.log.read_text(), seconds=120)  # it delivers while there are requests
        yield
    finally:
        child.stop()


def run(
    stack: Stack, environment: Environment, pair: list[Household], directory: Path, threads: int, turns: int
) -> None:
    """Make the requests in a process of its own, and let a worker deliver the messages; judge what was found."""
    broker = {"CELERY_BROKER_URL": stack.redis_url.removesuffix("/0") + "/2"}
    with measuring_nothing(), worker(stack, {**environment("worker"), **broker}, directory):
        done = subprocess.run(
            [sys.executable, "-m", "tests.tenants.load", str(threads), str(turns), *[house.slug for house in pair]],
            cwd=ROOT,
            env={**os.environ, **environment("web"), **broker},
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        assert done.returncode == 0, done.stderr
        judge(json.loads(done.stdout), 2 * threads * turns)
        wait_until_delivered(pair)
    for house in pair:
        read_all(house)


def wait_until_delivered(pair: list[Household]) -> None:
    end = time.monotonic() + 180
    waiting = Due.objects.filter(tenant__in=[house.tenant.id for house in pair], kind=Due.Kind.DELIVER)
    while waiting.filter(due_at__lte=Now()).exists():
        assert time.monotonic() < end, "the worker delivers nothing"
        time.sleep(0.1)


def read_all(house: Household) -> None:
    """Read what came meanwhile: how much of it the requests themselves met depends on who was faster."""
    with house.enter() as inside:
        arrived = messages.list_inbox(inside, PageRequest(size=20)).items
        texts = [messages.read_message(inside, row.id).text for row in arrived]
    assert texts
    assert set(texts) == {f'"{house.slug} gets this"'}


@contextmanager
def watching(pooler: Pooler) -> Iterator[dict[str, int]]:
    """Keep the most clients and servers that the pooler had at one time."""
    most, done = {"used_clients": 0, "used_servers": 0}, threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            for row in pooler.command("SHOW LISTS"):
                if row["list"] in most:
                    most[str(row["list"])] = max(most[str(row["list"])], int(str(row["items"])))

    with ThreadPoolExecutor(1) as thread:
        watched = thread.submit(watch)
        try:
            yield most
        finally:
            done.set()
        watched.result()


def judge(findings: dict[str, Any], requests: int) -> None:
    assert findings["foreign"] == []
    assert findings["errors"] == []
    assert sum(findings["requests"].values()) == requests
    assert findings["requests"].keys() == {request.__name__ for request in REQUESTS}
    assert findings["rows"] >= 5 * requests


def test_through_the_pooler(
    stack: Stack, pair: list[Household], tmp_path: Path, administrator: psycopg.Connection
) -> None:
    sizes = {"default_pool_size": 5, "reserve_pool_size": 1}
    with pooling(stack, tmp_path, administrator, **sizes) as pooler, watching(pooler) as most:
        run(stack, pooler.environment, pair, tmp_path, threads=50, turns=20)
    assert most["used_clients"] > 150  # the registry's and a compartment's of each thread, most of the time
    assert most["used_servers"] <= 30  # five and one in reserve for web, worker, two tenants and the pooler's own


def test_over_connections_of_its_own(stack: Stack, pair: list[Household], tmp_path: Path, backends: Backends) -> None:
    run(stack, stack.environment, pair, tmp_path, threads=20, turns=10)
    close_compartments()  # this process's own
    assert backends(*pair, until=0) == []
