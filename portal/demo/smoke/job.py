"""The main job: what a build needs goes in, the right build gets it, and a message comes, is read and is gone."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from portal.cli.failures import Code
from portal.demo.smoke.api import Api
from portal.demo.smoke.people import Owner
from portal.demo.smoke.report import Report, expect, until
from portal.demo.smoke.terminal import Terminal

MATCHING = [[{"name": "os", "value": "linux"}]]
OTHER = [[{"name": "os", "value": "linux"}, {"name": "team", "value": "docs"}], [{"name": "os", "value": "plan9"}]]
ELSEWHERE = "only the portal's own machine can look into its database"


@dataclass
class Job:
    """One run of the main job between two tenants of one owner; names are new each time, so that it can be repeated.

    `is_gone` tells whether a message's content has left the database, if we can look.
    """

    owner: Owner
    terminal: Terminal
    api: Api
    report: Report
    sender: str
    receiver: str
    ttl: int  # seconds
    is_gone: Callable[[str], bool] | None = None
    mark: str = field(default_factory=lambda: secrets.token_hex(4))

    def run(self) -> None:
        self.owner.create_tenants((self.sender, self.receiver))
        self.owner.log_in(self.terminal, (self.receiver, self.sender))
        self._repository()
        self._parameters()
        self._run_a_command()
        self._ssh_key()
        self._connection()
        self._message()

    @property
    def _name(self) -> str:
        return f"smoke-{self.mark}"

    def _repository(self) -> None:
        with self.report.step("add a repository with labels"):
            create = ("repository", "create", self._name, "--label", "os=linux", "--label", "team=core")
            self.terminal.output(*create, tenant=self.sender)
            listed = self.terminal.json("repository", "list", tenant=self.sender)
            expect(any(each["name"] == self._name for each in listed), "bulkhead repository list doesn't show it")

    def _parameters(self) -> None:
        with self.report.step("add a parameter set that matches and one that doesn't"):
            for kind, filters in (("matching", MATCHING), ("other", OTHER)):
                name = f"{self._name}-{kind}"
                self.api.post(self.sender, "parameter-sets", {"name": name, "description": "", "filters": filters})
                command = ("parameter", "set", f"SMOKE_{kind.upper()}", "--set", name)
                self.terminal.output(*command, tenant=self.sender, text=self._value(kind))

    def _value(self, kind: str) -> str:
        return f"{kind} {self.mark} = “ß” $HOME\twith 'quotes'"

    def _run_a_command(self) -> None:
        with self.report.step("bulkhead run -- env shows exactly the matching parameters"):
            show = ("run", "--no-mask", "--repository", self._name, "--", "env", "-0")
            printed = self.terminal.output(*show, tenant=self.sender)
            seen = dict(line.split("=", 1) for line in printed.split("\0") if line)
            added = {name: value for name, value in seen.items() if name.startswith("SMOKE_")}
            expected = {"SMOKE_MATCHING": self._value("matching")}
            expect(added == expected, f"the command saw {sorted(added)}, not SMOKE_MATCHING alone with its value")

    def _ssh_key(self) -> None:
        with self.report.step("bulkhead ssh-key generate shows the public half alone"):
            generate = ("ssh-key", "generate", self._name, "--filter", "os=linux, team=core", "--filter", "os=plan9")
            made = self.terminal.output(*generate, tenant=self.sender)
            expect(made.startswith("ssh-ed25519 "), "bulkhead ssh-key generate shows no public half")
            expect("PRIVATE KEY" not in made, "bulkhead ssh-key generate shows the private half")
        with self.report.step("bulkhead ssh-key fetch writes the private half of it"):
            target = Path(self.terminal.environment["HOME"]) / "key"
            fetch = ("ssh-key", "fetch", self._name, "--repository", self._name, "--output", str(target))
            self.terminal.output(*fetch, tenant=self.sender)
            expect(_public_half(target).split()[:2] == made.split()[:2], "the halves don't belong together")

    def _connection(self) -> None:
        with self.report.step("connect to the second tenant, which accepts"):
            ends = (self.sender, self.receiver)
            listed = self.terminal.json("connection", "list", tenant=self.sender)
            known = [
                each for each in listed if (each["provider"], each["consumer"]) == ends and each["state"] != "ended"
            ]
            if any(each["state"] == "active" for each in known):
                return
            propose = ("connection", "propose", self.receiver, "--direction", "send")
            proposed = known[0] if known else self.terminal.json(*propose, tenant=self.sender)
            accepted = self.terminal.json("connection", "accept", proposed["id"], tenant=self.receiver)
            expect(accepted["state"] == "active", f"the connection is {accepted['state']}")

    def _message(self) -> None:
        content = json.dumps({"smoke": self.mark, "ünï": [1, 2.50, None]})
        with self.report.step(f"send a message that lives {self.ttl} s, and see it arrive"):
            send = ("message", "send", "--to", self.receiver, "--ttl", f"{self.ttl}s")
            sent = self.terminal.json(*send, tenant=self.sender, text=content)
            ends = time.monotonic() + self.ttl
            until(lambda: self._arrived(sent["id"]), "the message does not arrive", seconds=self.ttl)
        with self.report.step("read it as it was sent"):
            read = self.terminal.output("message", "read", sent["id"], tenant=self.receiver)
            expect(read == content, "what is read is not what was sent")
        with self.report.step("wait until it has expired, then reading answers 410"):
            time.sleep(max(0.0, ends - time.monotonic()) + 0.5)
            again = self.terminal.run("message", "read", sent["id"], tenant=self.receiver)
            expect(again.returncode == Code.GONE, f"reading ended with {again.returncode}: {again.stderr.strip()}")
            expect(self.mark not in again.stdout, "an expired message is still shown")
        if self.is_gone is None:
            self.report.skip("its content is gone from the database", ELSEWHERE)
            return
        is_gone = self.is_gone
        with self.report.step("its content is gone from the database"):
            until(lambda: is_gone(sent["id"]), "the content is still in the database")

    def _arrived(self, message_id: str) -> bool:
        return any(each["id"] == message_id for each in self.terminal.json("message", "list", tenant=self.receiver))


def _public_half(path: Path) -> str:
    private = load_ssh_private_key(path.read_bytes(), password=None)
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
