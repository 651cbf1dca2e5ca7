"""Archives that another deployment wrote, with another database, other secrets and another key service."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from portal.demo.children import ROOT
from portal.demo.embedded import Process, Stack
from tenants.transfer import Imported, Wishes, import_tenant, read_private
from tests.measuring import measuring_nothing
from tests.servers import DIRECTORY, ROLES, SETTINGS
from tests.tenants.transfer.forging import Forgery, taken_apart

Import = Callable[..., Imported]

_EVERYTHING = """
SELECT (SELECT count(*) FROM pg_roles), (SELECT count(*) FROM pg_namespace), (SELECT count(*) FROM registry.tenants),
    (SELECT count(*) FROM registry.tenant_keys), (SELECT count(*) FROM registry.sealing_keys),
    (SELECT count(*) FROM registry.memberships), (SELECT count(*) FROM registry.people),
    (SELECT count(*) FROM registry.due WHERE kind <> 'count'), (SELECT count(*) FROM pg_class)"""

_SCRIPT: Final = """
import sys, pathlib, django
django.setup()
from tests.tenants.transfer import source
source.main(pathlib.Path(sys.argv[1]))
"""


@dataclass(frozen=True)
class Elsewhere:
    """What the other deployment left: archives, the key that opens them, and what it says of its tenants."""

    directory: Path
    facts: dict[str, Any]

    def archive(self, name: str) -> Path:
        return self.directory / f"{name}.tar"

    @property
    def key(self) -> Path:
        return self.directory / "recipient"


def manage(stack: Stack, *arguments: str, process: Process = "owner") -> subprocess.CompletedProcess[str]:
    """Run `manage.py` as a process of `stack`."""
    command = [sys.executable, "manage.py", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=environment(stack, process), capture_output=True, text=True, check=False
    )


def environment(stack: Stack, process: Process) -> dict[str, str]:
    roles = {f"TEST_DATABASE_URL_{role.upper()}": stack.database_url(role) for role in ROLES}
    return {**os.environ, **stack.environment(process), **roles}


@pytest.fixture(scope="session")
def elsewhere(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    """Start the other deployment once for all test processes, let it write its archives, and stop it."""
    shared = Path(os.environ[DIRECTORY]) if DIRECTORY in os.environ else tmp_path_factory.mktemp("moving")
    directory = shared / "elsewhere"
    with (shared / "elsewhere.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "facts.json").exists():
            _write_archives(directory)
    return Elsewhere(directory, json.loads((directory / "facts.json").read_text()))


def _write_archives(directory: Path) -> None:
    with Stack(directory / "stack", mode="test", durable=False, settings=SETTINGS) as other:
        with measuring_nothing():
            _well(manage(other, "migrate", "--no-input", "-v", "0"))
        key, public = str(directory / "recipient"), str(directory / "recipient.pub")
        _well(manage(other, "new_transfer_key", key))
        script = [sys.executable, "-c", _SCRIPT, str(directory)]
        told = _well(
            subprocess.run(script, cwd=ROOT, env=environment(other, "web"), capture_output=True, text=True, check=False)
        )
        facts = json.loads(told)
        output = str(directory / "rich.tar")
        facts["export"] = json.loads(
            _well(manage(other, "export_tenant", "rich", "--to", public, "--output", output, "--json"))
        )
    (directory / "facts.json").write_text(json.dumps(facts))


def _well(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def bring(elsewhere: Elsewhere, tmp_path: Path) -> Import:
    """Import these bytes, as the operator would a file."""

    def bring(content: bytes, *, key: Path = elsewhere.key, **wishes: Any) -> Imported:
        path = tmp_path / "archive.tar"
        path.write_bytes(content)
        return import_tenant(path, read_private(key), Wishes(**wishes), using="owner")

    return bring


@pytest.fixture
def forgery(elsewhere: Elsewhere) -> Forgery:
    return taken_apart(elsewhere.archive("plain"), elsewhere.key)


@pytest.fixture
def nothing_changes(administrator: psycopg.Connection, no_worker: None) -> Iterator[None]:
    before = administrator.execute(_EVERYTHING).fetchone()
    yield
    assert administrator.execute(_EVERYTHING).fetchone() == before
