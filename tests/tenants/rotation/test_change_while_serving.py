"""From one key service to another while the portal serves: no reader of secrets notices, also when it is cut off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest
from django.test import override_settings
from joserfc import jwe
from joserfc.jwk import OKPKey

from portal.demo.children import ROOT
from portal.demo.embedded import Stack
from tenants.actions import parameters, repositories
from tenants.keyrings import forget_keyring, key_service
from tenants.registry.models import TenantKey
from tests.conftest import Household, NewTenant
from tests.portal.edge.test_key_service import token_at
from tests.portal.edge.test_outages import serving
from tests.tenants.databases.hammer import Tally, hammering
from tests.tenants.rotation.conftest import turn

READERS: Final = 2
TENANTS: Final = 3 * READERS
HELD: Final = 2  # the first tenant, by age, of those that the first run does not come to before it is killed
PATIENCE: Final = 60  # seconds
KEY: Final = OKPKey.generate_key("X25519")
APPLICATION: Final = "tests.tenants.rotation.forgetful:application"


@dataclass(frozen=True)
class Reader:
    """Somebody who reads all secrets of some tenants, over and over."""

    url: str
    houses: list[Household]
    client: httpx.Client = field(default_factory=partial(httpx.Client, timeout=30))
    tokens: dict[str, str] = field(default_factory=dict)
    reads: Counter[str] = field(default_factory=Counter)

    def read(self) -> None:
        for house in self.houses:
            answer = self._ask(house)
            assert answer.status_code == 200, answer.text
            opened = jwe.decrypt_compact(answer.json()["jwe"], KEY, algorithms=["ECDH-ES", "A256GCM"])
            assert json.loads(opened.plaintext or b"")["values"] == secrets_of(house)
            self.reads[house.slug] += 1

    def _ask(self, house: Household) -> httpx.Response:
        if house.slug not in self.tokens:
            self.tokens[house.slug] = token_at(self.url, house)
        return self.client.post(
            f"{self.url}/api/v1/tenants/{house.slug}/repositories/api/environment",
            json={"key": KEY.as_dict(private=False)},
            headers={"Authorization": f"Bearer {self.tokens[house.slug]}"},
        )


def secrets_of(house: Household) -> dict[str, str]:
    return {"OLDER": f"{house.slug} of before", "NEWER": f"{house.slug} of since"}


@pytest.fixture
def houses(former: str, new_tenant: NewTenant) -> Iterator[list[Household]]:
    """Tenants from the former key service's days, with two versions of their keys each."""
    with override_settings(KEY_SERVICE=former):
        key_service.cache_clear()
        made = [furnished(new_tenant()) for _ in range(TENANTS)]
    key_service.cache_clear()
    yield made
    rows = TenantKey.objects.using("owner").filter(tenant__in=[house.tenant for house in made])
    rows.exclude(key_service=key_service().key_id).delete()


def furnished(house: Household) -> Household:
    with house.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        kept = parameters.create_set(inside, name="build", description="", filters=[])
        for name, value in secrets_of(house).items():
            parameters.set_parameter(inside, kept.id, name=name, value=value)
            if name == "OLDER":
                turn(house, "test")
    forget_keyring(house.tenant.id)
    return house


@contextmanager
def portal_with(stack: Stack, directory: Path, **services: str) -> Iterator[str]:
    """Let a web server run that has these key services beside the one in force; yield its address."""
    settings = {"BULKHEAD_RATE_API": "100000/m", **services}
    with serving(stack, directory, processes=1, application=APPLICATION, **settings) as (browser, _):
        yield browser.portal


@contextmanager
def reading(url: str, houses: list[Household]) -> Iterator[tuple[Tally, Callable[[], None]]]:
    """Let them be read from beginning to end; what is yielded waits until each was read three times more."""
    readers = [Reader(url, houses[number::READERS]) for number in range(READERS)]
    with hammering(*[reader.read for reader in readers]) as tally:

        def go_on() -> None:
            before = [Counter(reader.reads) for reader in readers]
            until(lambda: bool(tally.failures) or all(map(has_gone_on, readers, before)))
            assert tally.failures == []

        yield tally, go_on
    for reader in readers:
        reader.client.close()


def has_gone_on(reader: Reader, before: Counter[str]) -> bool:
    return all(reader.reads[house.slug] >= before[house.slug] + 3 for house in reader.houses)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def begun(stack: Stack, former: str) -> Iterator[subprocess.Popen[str]]:
    """Begin the change, and kill it if it has not ended by the end of the block."""
    environment = {**os.environ, **stack.environment("provisioner"), "BULKHEAD_KEY_SERVICE_OTHERS": former}
    line = [sys.executable, "manage.py", "change_key_service", "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True) as command:
        try:
            yield command
        finally:
            command.kill()


@contextmanager
def held(houses: list[Household], administrator: psycopg.Connection) -> Iterator[Callable[[], bool]]:
    """Keep the tenants' rows from being changed; what is yielded says whether somebody waits for one.

    Who waits gives up after seconds and goes on to the next.
    """
    waiting = "SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    with administrator.transaction():
        rows = [house.tenant.id for house in houses]
        administrator.execute("SELECT FROM registry.tenants WHERE id = ANY(%s) FOR NO KEY UPDATE", [rows])
        yield lambda: administrator.execute(waiting).rowcount > 0


@pytest.fixture
def slowly(administrator: psycopg.Connection) -> Iterator[None]:
    """Let each change of a key take long enough to be met half-way, if there is such a thing."""
    administrator.execute(
        """CREATE FUNCTION registry.slowly() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END';
        CREATE TRIGGER slowly AFTER UPDATE ON registry.tenant_keys FOR EACH ROW EXECUTE FUNCTION registry.slowly()"""
    )
    yield
    administrator.execute("DROP FUNCTION registry.slowly CASCADE")


def services(houses: list[Household]) -> list[tuple[str, ...]]:
    """Return the key services that wrap each tenant's two versions."""
    rows = TenantKey.objects.order_by("version")
    return [tuple(rows.filter(tenant=house.tenant).values_list("key_service", flat=True)) for house in houses]


@pytest.mark.usefixtures("slowly")
def test_every_secret_is_read_meanwhile_and_afterwards_without_the_former(
    houses: list[Household], former: str, stack: Stack, administrator: psycopg.Connection, tmp_path: Path
) -> None:
    new = key_service().key_id
    ((old, _), *_) = before = services(houses)
    assert before == [(old, old)] * TENANTS
    with (
        portal_with(stack, tmp_path, BULKHEAD_KEY_SERVICE_OTHERS=former) as url,
        reading(url, houses) as (tally, go_on),
    ):
        go_on()
        with held(houses[HELD:], administrator) as somebody_waits, begun(stack, former) as killed:
            until(lambda: killed.poll() is not None or somebody_waits())
            go_on()
        assert services(houses) == [(new, new)] * HELD + [(old, old)] * (TENANTS - HELD)
        go_on()
        with begun(stack, former) as resumed:
            told, errors = resumed.communicate(timeout=PATIENCE)
        result: dict[str, Any] = json.loads(told)
        assert (resumed.returncode, result["moved"]) == (0, 2 * (TENANTS - HELD)), errors
        go_on()
    assert tally.failures == []
    assert services(houses) == [(new, new)] * TENANTS

    Path(former.removeprefix("local:")).unlink()
    with portal_with(stack, tmp_path) as url, reading(url, houses) as (_, go_on):
        go_on()
