"""The command line as its users have it: the installed `bulkhead`, with a configuration directory of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from portal.demo.smoke.report import StepError, expect

BULKHEAD = str(Path(sysconfig.get_path("scripts")) / "bulkhead")
CODE = re.compile(r"\b[A-Z]{4}-[A-Z]{4}\b")
PATIENCE = 60  # seconds for any command


class Terminal:
    def __init__(self, directory: Path, portal: str) -> None:
        own = str(directory / "bulkhead")
        self.environment = {"PATH": os.defpath, "HOME": str(directory), "BULKHEAD_CONFIG_DIR": own}
        self.portal = portal

    def run(self, *arguments: str, tenant: str = "", text: str = "") -> subprocess.CompletedProcess[str]:
        """Run `bulkhead` with `arguments`, for a tenant when one is named, with `text` on standard input."""
        environment = {**self.environment, **({"BULKHEAD_TENANT": tenant} if tenant else {})}
        try:
            return subprocess.run(  # noqa: S603 - our own program
                [BULKHEAD, *arguments],
                env=environment,
                input=text,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StepError(f"bulkhead {' '.join(arguments[:2])} takes longer than {PATIENCE} s") from None

    def output(self, *arguments: str, tenant: str = "", text: str = "") -> str:
        """Run a command that must succeed and return what it printed."""
        done = self.run(*arguments, tenant=tenant, text=text)
        expect(
            done.returncode == 0,
            f"bulkhead {' '.join(arguments[:2])} ended with {done.returncode}: {done.stderr.strip()}",
        )
        return done.stdout

    def json(self, *arguments: str, tenant: str = "", text: str = "") -> Any:
        return json.loads(self.output(*arguments, "--json", tenant=tenant, text=text))

    def login(self, tenant: str, *, shown: bool = False) -> Login:
        return Login(self, tenant, shown=shown)


class Login:
    """`bulkhead login` while it waits to be approved. `shown` leaves its words to the person at the terminal."""

    def __init__(self, terminal: Terminal, tenant: str, *, shown: bool) -> None:
        command = [BULKHEAD, "login", "--portal", terminal.portal, "--tenant", tenant]
        words = None if shown else subprocess.PIPE
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, env=terminal.environment, stdout=words, stderr=subprocess.STDOUT if words else None, text=True
        )
        self._said = ""

    def code(self) -> str:
        """Return the code to approve, as it stands on the terminal."""
        while self._process.stdout is not None and (line := self._process.stdout.readline()):
            self._said += line
            if found := CODE.search(line):
                return found[0]
        raise StepError(f"bulkhead login shows no code: {self._said.strip()}")

    def finish(self, seconds: float = PATIENCE) -> str:
        """Wait until it has its token, and return all that it said."""
        try:
            rest, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise StepError("bulkhead login was approved and goes on waiting") from None
        self._said += rest or ""
        expect(self._process.returncode == 0, f"bulkhead login failed: {self._said.strip()}")
        return self._said
