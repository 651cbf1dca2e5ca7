"""Unwrapped keys in a process's memory: asked for once, kept for minutes, gone when their time is over."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import Final

import pytest
from cachetools import TTLCache
from django.db import connections
from django.test import override_settings

from portal import celery
from secrets_vault import Keyring, KeyServiceUnavailable
from secrets_vault.keyservice import attempts, deadline, guard, transit
from tenants import keyrings
from tenants.keyrings import forget_keyring, key_service, keyring_of
from tenants.registry.models import TenantKey
from tests.conftest import Household, NewTenant, at_once
from tests.secrets_vault.keyservice.servers.transit import TOKEN, TransitServer
from tests.secrets_vault.keyservice.servers.wire import Answer

PATIENCE: Final = 60.0  # seconds


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[TransitServer]:
    """This process's key service for the length of a test, with the stack's own as the other one.

    What it is waited for, and what it is let alone for, is long: no test is about a machine that is busy.
    """
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    monkeypatch.setattr("secrets_vault.keyring.within", partial(deadline.within, PATIENCE))
    monkeypatch.setattr(attempts, "TOTAL_SECONDS", PATIENCE)
    for name in ("CONNECT_SECONDS", "READ_SECONDS"):
        monkeypatch.setattr(transit, name, PATIENCE)
    for name in ("FOLLOW_SECONDS", "OPEN_SECONDS"):
        monkeypatch.setattr(guard, name, PATIENCE)
    with TransitServer() as server, override_settings(KEY_SERVICE=server.address):
        key_service.cache_clear()
        yield server
    key_service.cache_clear()


@pytest.fixture
def wrapped(server: TransitServer, new_tenant: NewTenant) -> Iterator[Household]:
    """A tenant whose key the server wraps. It has none any more when the service has gone."""
    house = new_tenant()
    server.requests.clear()
    yield house
    server.heal()
    forget_keyring(house.tenant.id)
    TenantKey.objects.using("owner").filter(tenant=house.tenant).delete()


def test_of_many_who_need_a_key_one_asks(
    server: TransitServer, wrapped: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyrings, "_PATIENCE_SECONDS", PATIENCE)
    server.fault = lambda _: time.sleep(0.1)  # and then answers
    found = at_once(lambda: keyring_of(wrapped.tenant.id), times=6)
    assert len({id(keyring) for keyring in found}) == 1
    assert len(server.requests) == 1


def test_nobody_waits_long_for_another_one(server: TransitServer, wrapped: Household) -> None:
    """A process has few threads: one may wait for a key service that hangs, and pages need the others."""
    free, told = threading.Event(), list[str]()
    server.fault = lambda _: Answer(503, {}) if free.wait(PATIENCE / 2) else None  # and then answers
    tenant = wrapped.tenant.id

    def asked() -> None:
        with pytest.raises(KeyServiceUnavailable) as refusal:
            keyring_of(tenant)
        told.append(str(refusal.value))
        if len(told) == 2:
            free.set()

    at_once(asked, times=3)
    assert told[:2] == ["the key service has not answered another request yet"] * 2, "the first waits meanwhile"
    assert keyrings._PATIENCE_SECONDS <= deadline.SECONDS / 4, "which is as long as the first has in all"
    requests = len(server.requests)
    asked()
    assert told[3] == "the key service failed a moment ago and is not asked again yet"
    assert len(server.requests) == requests


def test_what_is_forgotten_while_it_is_read_is_not_kept(server: TransitServer, wrapped: Household) -> None:
    """A rotation forgets a keyring and reads it anew: it must not get what a request had begun to read before."""
    free, tenant = threading.Event(), wrapped.tenant.id
    server.fault = lambda _: Answer(504, {}) if len(server.requests) == 1 and not free.wait(PATIENCE / 2) else None

    def read() -> Keyring:
        try:
            return keyring_of(tenant)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        before = threads.submit(read)
        while not server.requests:
            time.sleep(0.01)
        forget_keyring(tenant)
        after = threads.submit(read).result()
        free.set()
        assert before.result() is not after
        assert keyring_of(tenant) is after


def test_what_has_expired_goes_by_itself(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    passed = [0.0]
    monkeypatch.setattr(keyrings, "_keyrings", TTLCache(maxsize=8, ttl=1.0, timer=lambda: passed[0]))
    monkeypatch.setattr(keyrings, "_TIDY_SECONDS", 0.05)
    monkeypatch.setattr(keyrings, "_tidying", set())
    tenant = str(household.tenant.id)
    keyring_of(household.tenant.id)
    assert kept(tenant)
    passed[0] = 2.0
    end = time.monotonic() + PATIENCE
    while kept(tenant) and time.monotonic() < end:
        time.sleep(0.02)
    assert not kept(tenant), "though nobody has asked for anything since"


def kept(tenant: str) -> list[Keyring]:
    return [found for found in gc.get_objects() if type(found) is Keyring and found.tenant == tenant]


@pytest.mark.parametrize(("queue", "opened"), [("provisioning", 1), ("default", 0)])
def test_a_worker_opens_it_early_where_tenants_are_made(queue: str, opened: int) -> None:
    """Before it forks: the client of a cloud takes seconds to import, and the others have no right to a key."""
    key_service.cache_clear()
    amqp = SimpleNamespace(queues=SimpleNamespace(consume_from={queue: None}))
    celery.open_key_service(SimpleNamespace(app=SimpleNamespace(amqp=amqp)))
    assert key_service.cache_info().currsize == opened


def test_a_process_that_cannot_open_its_key_service_starts_sealed_and_looks_again(household: Household) -> None:
    forget_keyring(household.tenant.id)
    with override_settings(KEY_SERVICE="local:/nonexistent"):
        key_service.cache_clear()
        keyrings.open_early()
        assert keyrings.is_sealed()
        with pytest.raises(KeyServiceUnavailable):
            keyring_of(household.tenant.id)
    assert not keyrings.is_sealed()
    assert keyring_of(household.tenant.id)
