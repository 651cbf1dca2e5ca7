"""A key service that is away: secrets answer 503 in time, every other page as ever, and nobody restarts anything."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Final

import httpx
import pytest
from django.conf import settings
from django.test import override_settings
from joserfc.jwk import OKPKey

from portal import epochs
from portal.demo.embedded import Stack
from portal.tokens import Claims, Tokens
from secrets_vault.keyservice import deadline
from tenants.actions import parameters, repositories
from tenants.keyrings import forget_keyring, key_service
from tenants.registry.models import TenantKey
from tests.conftest import Household, NewTenant
from tests.portal.api.conftest import new_token
from tests.portal.edge.test_outages import serving
from tests.secrets_vault.keyservice.servers.transit import TOKEN, TransitServer
from tests.secrets_vault.keyservice.servers.wire import Answer

LIMIT: Final = 3.0  # seconds until a secret is refused
BACK: Final = 25.0  # seconds: a key service that answers again is noticed after 5, and otherwise never or after 30
SHORTLY: Final = deadline.SECONDS - 0.5  # long before the key service is given up
SLACK: Final = 0.4  # seconds; the machine has other things to do. Whoever waits for a key waits for 0.5 or 2
PAUSE: Final = 0.01  # seconds of each client between two questions, so that they take nobody's time but the server's
KEY: Final = OKPKey.generate_key("X25519").as_dict(private=False)


@dataclass(frozen=True)
class Caller:
    """A build of a tenant whose key no process of the portal has unwrapped yet, and what it asks for."""

    url: str
    house: Household
    token: str

    def secret(self, client: httpx.Client) -> httpx.Response:
        return client.post(self._address("repositories/api/environment"), json={"key": KEY}, headers=self._headers())

    def page(self, client: httpx.Client) -> httpx.Response:
        return client.get(self._address("repositories"), headers=self._headers())

    def _address(self, path: str) -> str:
        return f"{self.url}/api/v1/tenants/{self.house.slug}/{path}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class Scene:
    server: TransitServer
    url: str
    callers: list[Caller]


def token_at(url: str, house: Household) -> str:
    """Return a token that this web server issued: it has an address of its own."""
    row = new_token(house)
    issued, expires = int(time.time()), int(row.expires_at.timestamp())
    keys = epochs.keys("tokens", settings.TOKEN_SECRET, settings.TOKEN_SECRET_FALLBACKS)
    return Tokens(keys, url).issue(Claims(row.person_id, row.tenant_id, row.id, issued, expires))


def household(new_tenant: NewTenant) -> Household:
    house = new_tenant()
    with house.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[("os", "linux")])
        kept = parameters.create_set(inside, name="build", description="", filters=[])
        parameters.set_parameter(inside, kept.id, name="NAME", value="kittiwake")
    forget_keyring(house.tenant.id)
    return house


@pytest.fixture
def scene(
    stack: Stack,
    new_tenant: NewTenant,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Scene]:
    """The web server with two processes of two threads, a key service of ours behind it, and four tenants."""
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    with TransitServer() as server:
        with override_settings(KEY_SERVICE=server.address):
            key_service.cache_clear()
            houses = [household(new_tenant) for _ in range(4)]
        key_service.cache_clear()
        changes = {"BULKHEAD_KEY_SERVICE": server.address, "VAULT_TOKEN": TOKEN, "BULKHEAD_RATE_API": "100000/m"}
        with serving(stack, tmp_path_factory.mktemp("keys"), processes=2, **changes) as (browser, _):
            callers = [Caller(browser.portal, house, token_at(browser.portal, house)) for house in houses]
            yield Scene(server, browser.portal, callers)
    TenantKey.objects.using("owner").filter(tenant__in=[house.tenant for house in houses]).delete()


Answered = list[tuple[int, float]]  # status and seconds


def repeated(ask: Callable[[httpx.Client], httpx.Response], seconds: float) -> Answered:
    """Ask over and over, as one client with a connection of its own."""
    answers, end = [], time.monotonic() + seconds
    with httpx.Client(timeout=30) as client:
        while time.monotonic() < end:
            began = time.monotonic()
            status = ask(client).status_code
            answers.append((status, time.monotonic() - began))
            time.sleep(PAUSE)
    return answers


@contextmanager
def lateness() -> Iterator[list[float]]:
    """Yield by how many seconds this machine lets a sleeper sleep too long: so much later may any answer come."""
    late, over = [0.0], Event()

    def sleep() -> None:
        ended = False
        while not ended:
            began = time.monotonic()
            ended = over.wait(PAUSE)
            late.append(time.monotonic() - began - PAUSE)

    with ThreadPoolExecutor(1) as threads:
        threads.submit(sleep)
        try:
            yield late
        finally:
            over.set()


def loaded(callers: list[Caller], seconds: float) -> tuple[Answered, Answered]:
    """Return how secrets and other pages were answered, with three clients at each, more than there are threads.

    Each asks for the secrets of a tenant of its own, if there are as many: who waits for the same keys waits less.
    """
    with ThreadPoolExecutor(6) as threads:
        secrets = [threads.submit(repeated, caller.secret, seconds) for caller in (callers * 3)[:3]]
        pages = [threads.submit(repeated, callers[0].page, seconds) for _ in range(3)]
        first, second = ([answer for one in group for answer in one.result()] for group in (secrets, pages))
        return first, second


def median(answers: Answered) -> float:
    return statistics.median(seconds for _, seconds in answers)


def statuses(answers: Answered) -> set[int]:
    return {status for status, _ in answers}


def sealed(url: str) -> set[str]:
    """Return what the processes say of the key service; both are asked, if chance will have it."""
    answers = [httpx.get(f"{url}/health/ready", timeout=30) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200}, "pages are served on"
    return {answer.json()["parts"]["key_service"] for answer in answers}


def until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + BACK
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def test_nothing_but_secrets_is_missing_while_it_is_away(scene: Scene) -> None:
    first, *cold = scene.callers
    second, third, _ = cold
    assert until(lambda: sealed(scene.url) == {"ok"})
    _, usual = loaded([first], 1.0)

    gone = Event()
    scene.server.fault = lambda _: Answer(504, {}) if gone.wait(30) else None
    with lateness() as late:
        secrets, pages = loaded(cold, 3.5)
    assert statuses(secrets) == {503}
    assert max(seconds for _, seconds in secrets) < LIMIT + 2 * max(late)
    assert statuses(pages) == {200}
    assert median(pages) < 1.5 * median(usual) + SLACK
    assert max(seconds for _, seconds in pages) < SHORTLY + 2 * max(late), (
        "a page finds a thread long before the key service is given up"
    )
    assert "sealed" in sealed(scene.url)

    scene.server.heal()
    gone.set()
    with httpx.Client(timeout=30) as client:
        assert until(lambda: second.secret(client).status_code == 200)
        assert until(lambda: sealed(scene.url) == {"ok"})

        scene.server.fault = lambda _: Answer(403, {"errors": ["permission denied"]})
        assert third.secret(client).status_code == 503
        assert third.page(client).status_code == 200
        scene.server.fault = lambda _: Answer(500, {})
        began = time.monotonic()
        with lateness() as late:
            assert third.secret(client).status_code == 503
        assert time.monotonic() - began < LIMIT + 2 * max(late)
        scene.server.heal()
        assert until(lambda: third.secret(client).status_code == 200)
