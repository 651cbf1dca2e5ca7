"""The servers side by side, each with the same values behind the same names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from psycopg import sql

from portal.cli.sealed import Ephemeral
from portal.demo import processes
from portal.demo.children import Child
from portal.demo.embedded import wait_for
from portal.demo.ports import remembered
from tests.benchmarks.reading import SLUG
from tests.benchmarks.reading.bao import Bao, running_bao
from tests.benchmarks.reading.requests import Request
from tests.benchmarks.scale.contestant import Contestant
from tests.benchmarks.scale.ground import Ground

Values = Mapping[str, Mapping[str, str]]  # value by name, by repository
PACKAGE: Final = "tests.benchmarks.reading"
_RATE: Final = {"BULKHEAD_RATE_API": "999999999/m"}  # counted at each request, and never used up
THREADS: Final = "8"  # in each of two processes
_READ: Final = """
SELECT count(*) FROM {}.audit
WHERE entry::jsonb->>'action' = 'parameters.revealed' AND entry::jsonb->>'subject' = %s"""


class Side(Protocol):
    """A server that gives out the values of a repository."""

    def request(self, name: str) -> Request: ...

    def values(self, name: str) -> Any:
        """Return what a request is answered with, opened."""

    def logged(self, name: str) -> int | None:
        """Return how many readings its log knows of; None for a side without one."""


@dataclass(frozen=True)
class Ours:
    at: Ground
    schema: str
    token: str
    key: Ephemeral

    def request(self, name: str) -> Request:
        path = f"/api/v1/tenants/{SLUG}/repositories/{name}/environment"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return Request(self.at.stack.ports["web"], "POST", path, headers, json.dumps({"key": self.key.public()}))

    def values(self, name: str) -> Any:
        return self.key.open(self.request(name).once()["jwe"])["values"]

    def logged(self, name: str) -> int | None:
        with self.at.administrator() as connection:
            found = connection.execute(sql.SQL(_READ).format(sql.Identifier(self.schema)), [name]).fetchone()
        return int(found[0]) if found else 0

    def cryptography(self, name: str, count: int) -> float:
        with Contestant(f"{PACKAGE}.ours", self.at.stack.environment("web")) as process:
            asked = {"owner": self.at.owner, "repository": name, "key": self.key.public(), "count": count}
            return float(process.ask("cryptography", **asked))


@dataclass(frozen=True)
class OpenBao:
    server: Bao
    token: str

    def request(self, name: str) -> Request:
        return Request(self.server.port, "GET", f"/v1/secret/data/{name}", {"X-Vault-Token": self.token})

    def values(self, name: str) -> Any:
        return self.request(name).once()["data"]["data"]

    def logged(self, name: str) -> int | None:
        return self.server.logged(f"secret/data/{name}")


@dataclass(frozen=True)
class Bare:
    port: int

    def request(self, name: str) -> Request:
        return Request(self.port, "GET", f"/repositories/{name}/environment")

    def values(self, name: str) -> Any:
        return self.request(name).once()["values"]

    def logged(self, name: str) -> int | None:
        return None


@contextmanager
def our_side(at: Ground, stored: Values) -> Iterator[Ours]:
    """The web server as the demo starts it."""
    with Contestant(f"{PACKAGE}.ours", at.stack.environment("provisioner")) as provisioner:
        schema = provisioner.ask("create", owner=at.owner)
    with Contestant(f"{PACKAGE}.ours", at.stack.environment("web")) as web:
        token = web.ask("furnish", owner=at.owner, stored=stored)
    shipped = processes.web(at.stack)
    environment = {**shipped.environment, **_RATE}
    with _running(replace(shipped, command=_command(shipped), environment=environment), at.stack.ports["web"]):
        yield Ours(at, schema, token, Ephemeral())


@contextmanager
def bare_side(at: Ground, ours: Ours) -> Iterator[Bare]:
    """The same web server, and as many processes and threads, for a Django that does nothing else."""
    port = remembered(at.stack.directory / "bare.json", {"bare": None})["bare"]
    options = f"-csearch_path%3D{ours.schema}"
    environment = {
        **at.environment_of("bare", "bulkhead", options),
        "DJANGO_SETTINGS_MODULE": f"{PACKAGE}.bare.settings",
    }
    *command, _ = _command(processes.web(at.stack))
    command[command.index("--port") + 1] = str(port)
    child = Child("bare", [*command, f"{PACKAGE}.bare.wsgi:application"], at.stack.directory, environment)
    with _running(child, port):
        yield Bare(port)


@contextmanager
def their_side(directory: Path, stored: Values) -> Iterator[OpenBao]:
    with running_bao(directory, stored) as server:
        yield OpenBao(server, server.reader())


def _command(shipped: Child) -> list[str]:
    """Return how the web server is started, with a thread for each connection: they wait for the disk together."""
    command = list(shipped.command)
    command[command.index("--blocking-threads") + 1] = THREADS
    return command


@contextmanager
def _running(child: Child, port: int) -> Iterator[None]:
    child.start()
    try:
        wait_for(child, lambda: processes.listens(port))
        yield
    finally:
        child.stop()
