"""The command line as people have it: a process of its own, with a home of its own, against the running portal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tenants.actions import connections, parameters, repositories, ssh_keys
from tenants.registry.models import Person
from tests.conftest import Household
from tests.portal.api.conftest import new_token, text_of
from tests.portal.cli import forking

ROOT = Path(__file__).parents[3]
PROGRAM = (sys.executable, "-c", "from portal.cli.main import app; app(prog_name='bulkhead')")


@dataclass
class CommandLine:
    """`run` waits for the end; `start` does not, and starts `program`. `tokens` are what nothing printed may hold."""

    portal: str
    home: Path
    tokens: list[str] = field(default_factory=list, repr=False)
    program: tuple[str, ...] = PROGRAM

    def environment(self, **more: str) -> dict[str, str]:
        measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "PYTHONPATH": str(ROOT), **measured, **more}

    def run(self, *arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        done = forking.run(arguments, given=stdin, environment=self.environment(**more), directory=self.home)
        assert not any(token in done.stdout + done.stderr for token in self.tokens)
        assert "Traceback" not in done.stderr
        return done

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(**more),
            cwd=self.home,
        )

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @property
    def credentials(self) -> Path:
        return self.home / ".config" / "bulkhead" / "credentials.json"

    def sign_in(self, household: Household, person: Person | None = None) -> None:
        """Leave what `login` leaves; test_session.py shows that `login` leaves it."""
        row = new_token(household, person)
        token = text_of(row)
        self.tokens.append(token)
        stored = {household.slug: {"token": token, "expires_at": int(row.expires_at.timestamp())}}
        known = {
            "version": 1,
            "portal": self.portal,
            "portals": {self.portal: {"tenant": household.slug, "tokens": stored}},
        }
        self.credentials.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.credentials.touch(mode=0o600)
        self.credentials.write_text(json.dumps(known))


NewCommandLine = Callable[..., CommandLine]


@pytest.fixture
def new_cli(portal_url: str, tmp_path_factory: pytest.TempPathFactory) -> NewCommandLine:
    def make(household: Household | None = None, person: Person | None = None) -> CommandLine:
        made = CommandLine(portal_url, tmp_path_factory.mktemp("home"))
        if household is not None:
            made.sign_in(household, person)
        return made

    return make


@pytest.fixture
def signed_out(new_cli: NewCommandLine) -> CommandLine:
    return new_cli()


@pytest.fixture
def stocked(household: Household) -> Household:
    """Two repositories, sets for one, the other and both, an SSH key for one."""
    with household.enter() as inside:
        repositories.create_repository(inside, name="acme/api", url="", labels=[("team", "blue")])
        repositories.create_repository(inside, name="acme/web", url="", labels=[("team", "red")])
        for name, filters in (("everyone", []), ("blue", [[("team", "blue")]]), ("red", [[("team", "red")]])):
            made = parameters.create_set(inside, name=name, description="", filters=filters)
            parameters.set_parameter(inside, made.id, name="WHO", value=name)
            parameters.set_parameter(inside, made.id, name=f"ONLY_{name.upper()}", value=f"geheim ✓\n{name}")
        ssh_keys.generate_key(inside, name="deploy", filters=[[("team", "blue")]])
    return household


@pytest.fixture
def cli(stocked: Household, new_cli: NewCommandLine) -> CommandLine:
    """The owner's command line."""
    return new_cli(stocked)


@pytest.fixture
def connected(stocked: Household, neighbour: Household, no_backlog: None) -> Household:
    """The neighbour, to whom the household may send."""
    with stocked.enter() as inside:
        proposed = connections.propose(inside, other_slug=neighbour.slug, direction="send")
    with neighbour.enter() as inside:
        connections.accept(inside, proposed.id)
    return neighbour
