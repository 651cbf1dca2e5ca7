"""The test run's own PostgreSQL and Valkey, up before Django reads its settings (pytest plugin, see pyproject.toml).

The test process is the portal's web process: it connects as `bulkhead_web` and has that role's rights, no more. What
the provisioner, the workers and the owner do, tests do through aliases of their own (tests/settings.py).

With `-n` (pytest-xdist) each test worker is such a process, with servers of its own; the controller runs no test and
has none.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests import places

if TYPE_CHECKING:
    from portal.demo.embedded import Stack
    from portal.demo.running import Portal

STACK: Final[pytest.StashKey[Stack]] = pytest.StashKey()
PORTAL: Final[pytest.StashKey[Portal]] = pytest.StashKey()

WORKER: Final = "PYTEST_XDIST_WORKER"  # pytest-xdist's own: set in its workers, before anything is configured there
DIRECTORY: Final = "BULKHEAD_TEST_DIRECTORY"  # where the workers' stacks are; the controller makes and removes it
MOST_WORKERS: Final = 4  # each has a portal of eight processes
ROLES: Final = ("owner", "provisioner", "worker")

# Workers act when they are woken, not on a tick: a sweep of theirs must not do what a test is about to look at.
SETTINGS: Final = {
    "BULKHEAD_MESSAGE_TTL_MIN_SECONDS": "1",
    "BULKHEAD_RATE_SIGN_IN": "10000/m",
    "BULKHEAD_RATE_REQUESTS": "10000/m",
    "BULKHEAD_RATE_SSH_KEYS": "10000/m",
    "BULKHEAD_SWEEP_SECONDS": "3600",
}


@pytest.hookimpl(wrapper=True, specname="pytest_load_initial_conftests")
def keep_what_others_measured(early_config: pytest.Config) -> Generator[None]:
    """Before pytest-cov looks: in a worker it would start by erasing what other processes have measured already."""
    if WORKER in os.environ:
        early_config.known_args_namespace.cov_append = True
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    if WORKER in os.environ:
        _start(early_config, Path(os.environ[DIRECTORY]) / os.environ[WORKER])
        return
    directory = places.make()
    early_config.add_cleanup(lambda: places.remove(directory))
    if _hands_out(early_config):
        _do_without(directory)
    else:
        _start(early_config, directory / "alone")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return min(MOST_WORKERS, os.cpu_count() or 1)


def _hands_out(config: pytest.Config) -> bool:
    """Say whether this process leaves the tests to workers, as pytest-xdist will decide it."""
    options = config.known_args_namespace
    return bool(getattr(options, "numprocesses", None)) and not options.usepdb


def _do_without(directory: Path) -> None:
    """Let the settings be read: fixtures' modules are imported here too, though nothing asks for a fixture."""
    from portal.demo.offline import ENVIRONMENT  # noqa: PLC0415 - see _start

    os.environ.update({**ENVIRONMENT, "DJANGO_SETTINGS_MODULE": "tests.settings", DIRECTORY: str(directory)})
    os.environ.update({f"TEST_DATABASE_URL_{role.upper()}": ENVIRONMENT["DATABASE_URL"] for role in ROLES})


def _start(config: pytest.Config, directory: Path) -> None:
    # Here, not above: a plugin is imported before coverage begins to look, and what it imports would count as unseen.
    from portal.demo.embedded import Stack  # noqa: PLC0415
    from portal.demo.progress import Progress  # noqa: PLC0415
    from portal.demo.running import prepare  # noqa: PLC0415

    stack = Stack(directory, mode="test", durable=False, settings=SETTINGS)
    config.stash[STACK] = stack
    config.add_cleanup(stack.stop)
    stack.start()
    os.environ.update(stack.environment("web"))
    # What the test process itself asks workers for is for itself to do: its broker is another one than the portal's.
    os.environ["CELERY_BROKER_URL"] = stack.redis_url.removesuffix("/0") + "/1"
    for role in ROLES:
        os.environ[f"TEST_DATABASE_URL_{role.upper()}"] = stack.database_url(role)
    prepare(stack, Progress(quiet=True))
