"""The server that a run is measured on: a PostgreSQL of its own, durable as production's, with our registry."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from portal.demo.children import Child
from portal.demo.embedded import Process, Stack, wait_for
from portal.demo.postgres import forget_crash, is_ready
from tests.benchmarks.scale.contestant import Contestant, manage

PACKAGE = "tests.benchmarks.scale"
BUSY_SERVER = 600.0  # seconds; a server with tens of thousands of files is not killed while it writes its checkpoint

Connection = psycopg.Connection[tuple[Any, ...]]


class Ground:
    """A running stack with one person, who owns every tenant made here."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.migrations = stack.directory / "migrations"
        self.migrations.mkdir()
        manage(self.environment("owner"), "migrate", "--no-input", "-v", "0")
        self.owner = str(uuid.uuid4())
        with self.administrator() as connection:
            connection.execute(
                "INSERT INTO registry.people (id, provider, uid, login, name, email, created_at)"
                " VALUES (%s, 'github', '1', 'owner', 'Owner', 'owner@example.org', now())",
                [self.owner],
            )

    def environment(self, process: Process) -> dict[str, str]:
        """Return our variables for one process, with the migrations that a benchmark adds."""
        settings = {"DJANGO_SETTINGS_MODULE": f"{PACKAGE}.settings", "BENCH_MIGRATIONS": str(self.migrations)}
        return {**self.stack.environment(process), **settings}

    def environment_of(self, side: str, database: str, options: str = "") -> dict[str, str]:
        """Return the variables of another project on the same server, which connects as the superuser."""
        server = self.stack.administrator()
        address = f"{server['user']}:{server['password']}@{server['host']}:{server['port']}"
        query = f"?options={options}" if options else ""
        settings = {"DJANGO_SETTINGS_MODULE": f"{PACKAGE}.{side}.settings"}
        url = f"postgresql://{address}/{database}{query}"
        return {**self.environment("web"), **settings, "DATABASE_URL": url}

    def contestant(self, process: Process) -> Contestant:
        return Contestant(f"{PACKAGE}.ours", self.environment(process))

    def administrator(self, database: str = "bulkhead") -> Connection:
        parts = make_conninfo(**{**self.stack.administrator(), "dbname": database})
        return psycopg.connect(parts, autocommit=True)

    def parts(self, role: str, password: str) -> str:
        """Return libpq's string for a role of our database."""
        server = {**self.stack.administrator(), "user": role, "password": password, "dbname": "bulkhead"}
        return make_conninfo(**server)

    @property
    def server(self) -> Child:
        (found,) = (child for child in self.stack.servers if child.name == "postgresql")
        found.patience = BUSY_SERVER
        return found

    def start_again(self) -> None:
        server = self.server
        server.end_leftover()
        forget_crash(self.stack.directory)
        server.start()
        wait_for(server, lambda: is_ready(self.stack.directory), seconds=BUSY_SERVER)


@contextmanager
def ground(directory: Path) -> Iterator[Ground]:
    """Start a server below `directory`, and stop it."""
    with Stack(directory / secrets.token_hex(4), mode="demo", durable=True) as stack:
        made = Ground(stack)
        try:
            yield made
        finally:
            _ = made.server  # given patience before the stack stops it
