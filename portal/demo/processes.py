"""The portal's own processes, as production runs them, over a started stack."""

from __future__ import annotations

import contextlib
import socket
import sys
import sysconfig
import urllib.error
import urllib.request
from pathlib import Path

from kombu import Connection
from kombu.pidbox import Mailbox

from portal.demo.children import Child
from portal.demo.embedded import Process, Stack
from portal.demo.ports import LOOPBACK

SCRIPTS = Path(sysconfig.get_path("scripts"))
PYTHON = sys.executable
# One machine, two workers: gossip and mingling would only add seconds to the start.
ALONE = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"]


def identity(stack: Stack) -> Child:
    command = [PYTHON, "-m", "portal.demo.identity", "--port", str(stack.ports["identity"]), "--portal", stack.base_url]
    return _child(stack, "identity", command)


def web(stack: Stack) -> Child:
    command = [str(SCRIPTS / "granian"), "--interface", "wsgi", "--host", LOOPBACK, "--port", str(stack.ports["web"])]
    command += ["--workers", "2", "--blocking-threads", "2", "--no-ws", "--workers-kill-timeout", "5"]
    command += ["portal.wsgi:application"]
    return _child(stack, "web", command)


def worker(stack: Stack) -> Child:
    return _child(stack, "worker", _celery("worker", "-Q", "default", "-n", "worker@bulkhead", "-c", "2", *ALONE))


def provisioner(stack: Stack) -> Child:
    name = ["-n", "provisioner@bulkhead", "-c", "1"]
    return _child(stack, "provisioner", _celery("worker", "-Q", "provisioning", *name, *ALONE))


def beat(stack: Stack) -> Child:
    schedule = str(stack.directory / "run" / "beat")
    return _child(stack, "beat", _celery("beat", "--schedule", schedule, "--pidfile=", "--loglevel", "INFO"))


def manage(stack: Stack, process: Process, *arguments: str) -> Child:
    """Return `manage.py` with `arguments`, as the database role of `process`."""
    return _child(stack, process, [PYTHON, "manage.py", *arguments], name=arguments[0])


def _celery(*arguments: str) -> list[str]:
    # What must not run is refused without Django's checks too (portal.celery), and those would import every page.
    return [PYTHON, "-m", "celery", "-A", "portal.celery", "--skip-checks", *arguments]


def _child(stack: Stack, process: Process, command: list[str], *, name: str = "") -> Child:
    return Child(name or process, command, stack.directory, environment=stack.environment(process))


def listens(port: int) -> bool:
    """Say whether something accepts connections on a loopback port."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def answers(url: str) -> bool:
    """Say whether a GET of `url` (http, loopback) answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own loopback address
            return bool(response.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


class Workers:
    """Who listens at the broker, asked as Celery's own `inspect ping` does; names are those after `-n`."""

    def __init__(self, stack: Stack) -> None:
        self._connection = Connection(stack.redis_url)
        self._mailbox = Mailbox(
            "celery", type="fanout", connection=self._connection, accept=["json"], serializer="json"
        )

    def close(self) -> None:
        self._connection.release()

    def answering(self, *names: str) -> bool:
        replies = self._mailbox.multi_call("ping", timeout=0.3, limit=len(names)) or []
        return {f"{name}@bulkhead" for name in names} <= {name for reply in replies for name in reply}
