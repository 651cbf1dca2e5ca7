"""A part that is away: the web server as it runs in production, with its database or its Redis out of reach."""

from __future__ import annotations

import re
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from portal.demo.children import Child
from portal.demo.embedded import Stack
from portal.demo.ports import remembered
from tests.portal.signin.browser import Browser

GRANIAN = Path(sysconfig.get_path("scripts")) / "granian"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
AWAY = "127.0.0.1:1"  # nothing listens there
SOON = 3.0  # seconds: once the page has been there it takes a few hundredths


@contextmanager
def serving(
    stack: Stack,
    directory: Path,
    *,
    processes: int = 1,
    application: str = "portal.wsgi:application",
    **changes: str,
) -> Iterator[tuple[Browser, Path]]:
    """Yield a browser at a web server of its own, which ends with us, and the server's log."""
    port = remembered(directory / "ports.json", {"web": None})["web"]
    url = f"http://127.0.0.1:{port}"
    environment = {**stack.environment("web"), "BULKHEAD_BASE_URL": url, **changes}
    command = [str(GRANIAN), "--interface", "wsgi", "--port", str(port), "--workers", str(processes)]
    command += ["--blocking-threads", "2", application]
    server = Child("web", command, directory, environment=environment)
    server.start()
    try:
        _wait(server, url)
        with httpx.Client(timeout=30) as client:
            yield Browser(url, client, AGENT), server.log
    finally:
        server.stop()


def _wait(server: Child, url: str) -> None:
    deadline = time.monotonic() + 120
    while server.running and time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/health/live")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"the web server did not start:\n{server.last_words()}")


@pytest.fixture(scope="module")
def without_redis(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Path]]:
    away, proxies = f"redis://{AWAY}/0", "127.0.0.0/8"
    directory = tmp_path_factory.mktemp("redis")
    with serving(stack, directory, REDIS_URL=away, BULKHEAD_TRUSTED_PROXIES=proxies) as served:
        yield served


@pytest.fixture(scope="module")
def without_database(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Path]]:
    away = f"postgresql://bulkhead_web:kittiwake@{AWAY}/bulkhead"
    with serving(stack, tmp_path_factory.mktemp("database"), DATABASE_URL=away) as served:
        yield served


def incident(page: httpx.Response) -> str:
    found = re.search(r"<code>([0-9a-f]{12})</code>", page.text)
    assert found, page.text
    return found[1]


def test_without_redis_nobody_signs_in_and_the_rest_works(without_redis: tuple[Browser, Path]) -> None:
    browser, log = without_redis
    page = browser.get("/sign-in/")
    began = time.monotonic()
    refused = browser.press(page, "/sign-in/github/begin/")
    assert time.monotonic() - began < SOON
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert incident(refused) in log.read_text()
    assert browser.get("/sign-in/github/complete/").status_code == 503
    assert browser.get("/docs/").status_code == 200
    assert browser.get("/account/").status_code == 302
    assert browser.get("/health/live").status_code == 200
    assert browser.get("/health/ready").status_code == 503


def test_without_the_database_pages_say_so(without_database: tuple[Browser, Path]) -> None:
    browser, log = without_database
    browser.cookies["__Host-bulkhead"] = "x" * 43
    refused = browser.get("/account/")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert incident(refused) in log.read_text()
    assert "kittiwake" not in log.read_text() + refused.text
    assert refused.headers["Strict-Transport-Security"]
    browser.cookies.clear()
    assert browser.get("/docs/").status_code == 200
    assert browser.begin().status_code == 503


def test_a_trusted_proxys_word_reaches_the_log_and_no_twin_of_it_does(without_redis: tuple[Browser, Path]) -> None:
    browser, log = without_redis
    headers = {
        "X_Forwarded_For": "192.0.2.67",
        "Forwarded": "for=192.0.2.66, for=203.0.113.99",
        "X-Forwarded-For": "192.0.2.68",
    }
    browser.client.get(f"{browser.portal}/docs/", headers=headers)
    assert '"address": "203.0.113.99"' in log.read_text()
    assert "192.0.2." not in log.read_text()
