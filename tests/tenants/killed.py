"""A provisioner that is killed (SIGKILL) at each statement, one attempt after the other, until one gets through.

    python -m tests.tenants.killed REQUEST-ID

Each attempt is a fork. For each it prints a JSON line: whether it was killed, what state the request is in then, and
how many rows, roles and schemas are there of the tenant.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import django
import psycopg
from psycopg.conninfo import make_conninfo

NAME: Final = "doomed"
PATIENCE: Final = 60  # seconds; the server runs a statement to its end before it notices
_LEFT: Final = """
SELECT (SELECT state FROM registry.tenant_requests WHERE id = %(id)s),
    (SELECT count(*) FROM registry.tenants WHERE id = %(id)s),
    (SELECT count(*) FROM registry.tenant_keys WHERE tenant_id = %(id)s),
    (SELECT count(*) FROM registry.sealing_keys WHERE tenant_id = %(id)s),
    (SELECT count(*) FROM registry.memberships WHERE tenant_id = %(id)s),
    (SELECT count(*) FROM pg_namespace WHERE nspname ~ '^t_'),
    (SELECT count(*) FROM pg_roles WHERE rolname ~ '^t_')"""


class Doomed:
    """Kills this process in the moment after the statement with number `last` was sent."""

    def __init__(self, last: int) -> None:
        self.left = last

    def __call__(self, execute: Callable[..., Any], statement: str, parameters: Any, many: bool, context: Any) -> Any:
        if self.now():
            if not parameters:
                self.send(context["connection"], statement)
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(statement, parameters, many, context)

    def now(self) -> bool:
        self.left -= 1
        return self.left < 0

    def send(self, connection: Any, statement: str) -> None:
        connection.connection.pgconn.send_query(statement.encode())
        connection.connection.pgconn.flush()


def attempt(last: int) -> None:
    from django.db import connections  # noqa: PLC0415 - Django is set up by now
    from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: PLC0415

    from tenants.tasks import provision  # noqa: PLC0415

    doom, commit = Doomed(last), BaseDatabaseWrapper._commit  # type: ignore[attr-defined]  # not in the stubs

    def commits(connection: Any) -> None:
        if doom.now():
            doom.send(connection, "COMMIT")
            os.kill(os.getpid(), signal.SIGKILL)
        commit(connection)

    BaseDatabaseWrapper._commit = commits  # type: ignore[attr-defined]  # not in the stubs
    connections["default"].settings_dict["OPTIONS"]["application_name"] = NAME
    with connections["default"].execute_wrapper(doom):
        provision()
    connections.close_all()


def main(request: str) -> None:
    django.setup()
    import_module("tenants.tasks")  # once, not in each fork
    with psycopg.connect(make_conninfo(os.environ["DATABASE_URL"]), autocommit=True) as watcher:
        for last in itertools.count():
            child = os.fork()
            if child == 0:
                attempt(last)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            _wait_until_gone(watcher)
            left = watcher.execute(_LEFT, {"id": request}).fetchone()
            print(json.dumps([os.WIFSIGNALED(status), *(left or ())]), flush=True)  # noqa: T201 - its whole purpose
            if not os.WIFSIGNALED(status):
                return


def _wait_until_gone(watcher: psycopg.Connection) -> None:
    """Wait until the server has noticed, too."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        row = watcher.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [NAME]).fetchone()
        if row == (0,):
            return
        time.sleep(0.01)
    raise TimeoutError


if __name__ == "__main__":
    main(sys.argv[1])
