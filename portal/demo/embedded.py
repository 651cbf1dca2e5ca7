"""A stack of servers in one directory, and the environment that each process of the portal needs to use it.

    with Stack(directory) as stack:
        subprocess.run([…], env={**os.environ, **stack.environment("web")})

Demo, tests, smoke and benchmarks share it; production has servers of its own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Literal
from urllib.parse import urlencode

from portal.demo import postgres, valkey
from portal.demo.children import Child, end_leftover
from portal.demo.credentials import Credentials
from portal.demo.errors import DemoError
from portal.demo.ports import LOOPBACK, remembered
from portal.demo.startstop import StartStop
from secrets_vault import LocalKeyService

Process = Literal["web", "worker", "beat", "provisioner", "owner", "identity"]
DATABASE_ROLES: Mapping[Process, str] = {"beat": "worker"}
PROVIDER_CLIENT = "bulkhead-demo"
FAMILIAR_PORTS: Mapping[str, int | None] = {"web": 8000, "identity": 8001, "postgresql": 8432, "valkey": 8379}
ANY_PORTS: Mapping[str, int | None] = dict.fromkeys(FAMILIAR_PORTS)


class Stack(StartStop):
    """PostgreSQL and Valkey in `directory`, made on the first start and kept by later ones.

    Starting raises DemoError when the directory is in use or a server can't run. `durable=False` skips fsync;
    `fresh=True` removes what earlier starts kept.
    """

    def __init__(
        self,
        directory: Path,
        *,
        mode: Literal["demo", "test"] = "demo",
        ports: Mapping[str, int | None] = ANY_PORTS,
        durable: bool = True,
        fresh: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self._mode, self._wishes, self._durable, self._fresh = mode, ports, durable, fresh
        self._settings = dict(settings or {})
        self._external = postgres.external()
        self._lock: IO[str] | None = None
        self._servers: list[Child] = []

    def start(self) -> None:
        """Start both servers, setting up what is missing."""
        self._claim()
        if self._fresh:
            self._empty()
        self.credentials = Credentials.of(self.directory / "secrets.json")
        self.ports = remembered(self.directory / "ports.json", self._wishes)
        cache = valkey.child(self.directory, self.ports["valkey"], self.credentials.valkey)
        self._begin(cache)  # Valkey comes up while initdb works
        self._start_postgres()
        wait_for(cache, lambda: valkey.is_ready(self.ports["valkey"], self.credentials.valkey))
        self._make_platform_key()

    def stop(self) -> None:
        """Stop what runs, the last started first, and let go of the directory."""
        while self._servers:
            self._servers.pop().stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['web']}"

    @property
    def identity_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['identity']}"

    @property
    def redis_url(self) -> str:
        return f"redis://:{self.credentials.valkey}@{LOOPBACK}:{self.ports['valkey']}/0"

    @property
    def servers(self) -> list[Child]:
        return list(self._servers)

    def database_url(self, process: Process) -> str:
        """Return the connection URL of the database role that `process` runs as."""
        role = DATABASE_ROLES.get(process, process)
        password = getattr(self.credentials, role)
        server = self.administrator()
        address = f"{server.pop('host')}:{server.pop('port', '5432')}"
        options = urlencode({name: value for name, value in server.items() if name not in {"user", "password"}})
        return f"postgresql://bulkhead_{role}:{password}@{address}/bulkhead{'?' if options else ''}{options}"

    def administrator(self) -> dict[str, str]:
        """Return libpq's parts for the server's superuser: dumps and fault tests use it, the portal never."""
        if self._external:
            return dict(self._external)
        return {
            "host": LOOPBACK,
            "port": str(self.ports["postgresql"]),
            "user": "postgres",
            "password": self.credentials.administrator,
        }

    def environment(self, process: Process) -> dict[str, str]:
        """Return the portal's variables for one process; put them over `os.environ`."""
        provider = {"ID": PROVIDER_CLIENT, "SECRET": self.credentials.provider}
        clients = {
            f"BULKHEAD_{name}_CLIENT_{part}": provider[part] for name in ("GITHUB", "BITBUCKET") for part in provider
        }
        if process == "identity":  # another company's server: it knows its clients and nothing else of ours
            return clients
        return {
            **clients,
            "BULKHEAD_MODE": self._mode,
            "BULKHEAD_BASE_URL": self.base_url,
            "BULKHEAD_SANDBOX_PROVIDER_URL": self.identity_url,
            "BULKHEAD_SECRET_KEY": self.credentials.secret_key,
            "BULKHEAD_SESSION_SECRET": self.credentials.session_secret,
            "BULKHEAD_TOKEN_SECRET": self.credentials.token_secret,
            "BULKHEAD_DATABASE_SECRET": self.credentials.database_secret,
            "BULKHEAD_KEY_SERVICE": f"local:{self._platform_key}",
            "DATABASE_URL": self.database_url(process),
            "REDIS_URL": self.redis_url,
            "CELERY_BROKER_URL": self.redis_url,
            "DJANGO_SETTINGS_MODULE": "tests.settings" if self._mode == "test" else "portal.settings",
            **self._settings,
        }

    @property
    def _platform_key(self) -> Path:
        return self.directory / "platform.key"

    def _claim(self) -> None:
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = (self.directory / "lock").open("a+")
        except PermissionError:
            raise DemoError(
                f"{self.directory} is another user's. Start as that user, or from a clone of your own."
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            owner = self._lock.read().strip() or "unknown"
            self._lock.close()
            self._lock = None
            raise DemoError(f"It already runs from this directory (process {owner}). Stop that one first.") from None
        self._lock.truncate(0)
        self._lock.write(f"{os.getpid()}\n")
        self._lock.flush()

    def _empty(self) -> None:
        if self._external:
            raise DemoError(
                "Starting anew can't empty a server that isn't ours: drop the database `bulkhead` yourself."
            )
        for pid_file in self.directory.glob("run/*.pid"):
            end_leftover(pid_file, postgres.STOP if pid_file.stem == "postgresql" else signal.SIGTERM, 10.0)
        for entry in self.directory.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name not in {"lock", "ports.json"}:  # bookmarks to this clone stay good
                entry.unlink()

    def _begin(self, server: Child) -> None:
        self._servers.append(server)
        server.start()

    def _start_postgres(self) -> None:
        if not self._external:
            self._start_own_postgres()
        marker = self.directory / "database-made"
        if not marker.exists():
            postgres.create_database(self.administrator(), self.credentials)
            marker.touch()

    def _start_own_postgres(self) -> None:
        if not postgres.data_of(self.directory).exists():
            postgres.initialize(self.directory, self.credentials.administrator, durable=self._durable)
        database = postgres.child(self.directory, self.ports["postgresql"], durable=self._durable)
        database.end_leftover()
        postgres.forget_crash(self.directory)
        self._begin(database)
        wait_for(database, lambda: postgres.is_ready(self.directory))

    def _make_platform_key(self) -> None:
        if not self._platform_key.exists():
            LocalKeyService.create(self._platform_key)


def wait_for(child: Child, ready: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Wait until `ready`; raises DemoError with the end of the child's log when it dies or takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if not child.running or time.monotonic() > deadline:
            trouble = "takes too long to start" if child.running else "ended at once"
            raise DemoError(f"{child.name} {trouble}. The end of {child.log}:\n{child.last_words()}")
        time.sleep(0.02)
