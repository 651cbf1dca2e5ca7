"""Builds that run at the same time and take the same SSH keys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final
from uuid import UUID

from django.db import connections

from tenants.actions import builds, repositories, ssh_keys
from tenants.actions.build_environment import ssh_keys_of
from tenants.databases.base import close_compartments
from tenants.records.models import SSHKey
from tests.conftest import Household

PATIENCE: Final = 50  # seconds; a transaction that is idle for a minute is ended


def test_crosswise_they_wait_for_nobody(household: Household) -> None:
    """Each holds the stamp of a key and goes on to the other's: waiting there would be for ever."""
    running = []
    with household.enter() as inside:
        for name in ("one", "two"):
            repositories.create_repository(inside, name=name, url="", labels=[("for", name)])
            ssh_keys.generate_key(inside, name=name, filters=[[("for", name)]])
            running.append(builds.start_build(inside, repository=name, revision="", overrides={}, ttl=3600).build.id)
    both = Barrier(2)

    def take(order: list[UUID]) -> set[str]:
        try:
            with household.enter() as inside, inside.transaction():
                names = {key["name"] for key in ssh_keys_of(inside, order[0])}
                both.wait(PATIENCE)
                names |= {key["name"] for key in ssh_keys_of(inside, order[1])}
                both.wait(PATIENCE)
            return names
        finally:
            close_compartments()
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(take, [running, running[::-1]])) == [{"one", "two"}] * 2
    with household.enter():
        assert SSHKey.objects.exclude(used_at=None).count() == 2
