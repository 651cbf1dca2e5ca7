"""A rotation that is killed (SIGKILL) at each statement, one attempt after the other, until one gets through.

    python -m tests.tenants.rotation.killed TENANT-ID

Each attempt is a fork that goes on where the last one was killed, and gets one statement further. For each it prints a
JSON line: whether it was killed, whether every value opens as it did, how many items are left under which version, and
which versions are live.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import django

django.setup()

from django.db import connections  # noqa: E402 - Django first
from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

from secrets_vault import describe  # noqa: E402
from tenants.compartment import enter_as_system  # noqa: E402
from tenants.databases.base import close_compartments  # noqa: E402
from tenants.keyrings import forget_keyring  # noqa: E402
from tenants.registry.models import TenantKey  # noqa: E402
from tenants.rotation import rewrapping  # noqa: E402
from tenants.rotation.rotate import rotate  # noqa: E402
from tests.tenants.rotation.conftest import ACTOR, opened, sealed  # noqa: E402

BATCH: Final = 2


class Doomed:
    """Kills this process after so many statements, commits among them."""

    def __init__(self, statements: int) -> None:
        self.left = statements

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def __call__(self, execute: Callable[..., Any], *statement: Any) -> Any:
        self.step()
        return execute(*statement)


def doom_after(statements: int) -> None:
    """Let this process be killed after so many statements."""
    doom = Doomed(statements)
    commit, connect = BaseDatabaseWrapper._commit, BaseDatabaseWrapper.connect  # type: ignore[attr-defined]  # not in the stubs

    def commits(connection: Any) -> None:
        doom.step()
        commit(connection)

    def connects(connection: Any) -> None:
        connect(connection)
        connection.execute_wrappers.append(doom)

    BaseDatabaseWrapper._commit = commits  # type: ignore[attr-defined]  # not in the stubs
    BaseDatabaseWrapper.connect = connects  # type: ignore[assignment, method-assign]  # every connection, whoever opens it


def forks(attempt: Callable[[], None]) -> Iterator[int]:
    """Fork for one attempt after another, each killed a statement later, and yield the status that it ended with."""
    for statements in itertools.count():
        close_compartments()
        connections.close_all()
        child = os.fork()
        if child == 0:
            doom_after(statements)
            attempt()
            os._exit(0)
        yield os.waitpid(child, 0)[1]


def attempt(tenant: UUID) -> None:
    rewrapping.BATCH = BATCH  # type: ignore[misc]  # so that there are many
    begun = TenantKey.objects.filter(tenant_id=tenant).count() > 1
    rotate(tenant, ACTOR, reason="" if begun else "test")


def look(tenant: UUID) -> tuple[str, dict[int, int], list[int]]:
    """Return a digest of all that opens, items by key version, and the live versions."""
    forget_keyring(tenant)
    with enter_as_system(tenant, ACTOR) as inside:
        values, plain = sealed(inside), opened(inside)
    versions = Counter(describe(value).key_version for value in values.values())
    live = TenantKey.objects.filter(tenant_id=tenant, retired_at=None).order_by("version")
    # The next attempt finds them settled, as ten minutes later.
    TenantKey.objects.filter(tenant_id=tenant).update(created_at=Now() - timedelta(hours=1))
    return hashlib.sha256(repr(sorted(plain.items())).encode()).hexdigest(), versions, [key.version for key in live]


def main(tenant: UUID) -> None:
    before, _, _ = look(tenant)
    for status in forks(partial(attempt, tenant)):
        digest, versions, live = look(tenant)
        print(json.dumps([os.WIFSIGNALED(status), digest == before, versions, live]), flush=True)  # noqa: T201
        if os.WEXITSTATUS(status) or (not os.WIFSIGNALED(status) and live == [2]):
            return


if __name__ == "__main__":
    main(UUID(sys.argv[1]))
