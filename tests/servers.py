"""The test run's own PostgreSQL and Valkey, up before Django reads its settings (pytest plugin, see pyproject.toml).

The test process is the portal's web process: it connects as `bulkhead_web` and has that role's rights, no more. What
the provisioner, the workers and the owner do, tests do through aliases of their own (tests/settings.py).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from portal.demo.embedded import Stack
    from portal.demo.running import Portal

STACK: Final[pytest.StashKey[Stack]] = pytest.StashKey()
PORTAL: Final[pytest.StashKey[Portal]] = pytest.StashKey()

# Workers act when they are woken, not on a tick: a sweep of theirs must not do what a test is about to look at.
SETTINGS: Final = {
    "BULKHEAD_MESSAGE_TTL_MIN_SECONDS": "1",
    "BULKHEAD_RATE_SIGN_IN": "10000/m",
    "BULKHEAD_RATE_REQUESTS": "10000/m",
    "BULKHEAD_SWEEP_SECONDS": "3600",
}


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    # Here, not above: a plugin is imported before coverage begins to look, and what it imports would count as unseen.
    from portal.demo.embedded import Stack  # noqa: PLC0415
    from portal.demo.progress import Progress  # noqa: PLC0415
    from portal.demo.running import prepare  # noqa: PLC0415

    # A short path of our own: Unix socket names are bounded, and nothing of an earlier run is in the way.
    directory = Path(tempfile.mkdtemp(prefix="bulkhead-test-"))
    stack = Stack(directory, mode="test", durable=False, settings=SETTINGS)
    early_config.stash[STACK] = stack
    early_config.add_cleanup(lambda: _end(stack))
    stack.start()
    os.environ.update(stack.environment("web"))
    # What the test process itself asks workers for is for itself to do: its broker is another one than the portal's.
    os.environ["CELERY_BROKER_URL"] = stack.redis_url.removesuffix("/0") + "/1"
    for role in ("owner", "provisioner", "worker"):
        os.environ[f"TEST_DATABASE_URL_{role.upper()}"] = stack.database_url(role)
    prepare(stack, Progress(quiet=True))


def _end(stack: Stack) -> None:
    stack.stop()
    shutil.rmtree(stack.directory, ignore_errors=True)
