"""Secrets are planted wherever a customer may put one, everything is done, and then they are looked for everywhere."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import redis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from portal.cli import credentials
from portal.demo import postgres
from portal.demo.embedded import Stack
from portal.demo.ports import LOOPBACK
from portal.demo.running import Portal
from portal.demo.smoke.browser import Browser
from portal.demo.smoke.people import SandboxOwner
from portal.demo.smoke.report import Report, until
from portal.demo.smoke.terminal import Terminal
from tests.canary.search import Search, spellings
from tests.measuring import measuring_nothing

SENDER, RECEIVER = "canary-sends", "canary-receives"


class Witness(Browser):
    """A browser that keeps all that reached it: status line, headers with cookies, and body."""

    def __init__(self, origin: str) -> None:
        super().__init__(origin)
        self.seen: list[tuple[str, bytes]] = []
        self._http.event_hooks["response"].append(self._keep)

    def cookies(self) -> list[str]:
        return [cookie.value for cookie in self._http.cookies.jar if cookie.value and "csrf" not in cookie.name]

    def _keep(self, response: httpx.Response) -> None:
        head = "\n".join(f"{name}: {value}" for name, value in response.headers.multi_items())
        self.seen.append((f"answer to {response.request.url}", head.encode() + response.read()))


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """Run a portal of its own, plant secrets, use them all, stop, and search what is left and what was shown."""
    directory = Path(tmp_path_factory.mktemp("canary"))
    search = Search(
        {
            "parameter": f"canary-parameter/{secrets.token_urlsafe(18)}".encode(),
            "message": f"canary-message+{secrets.token_urlsafe(18)}".encode(),
        }
    )
    with ExitStack() as started:
        started.enter_context(measuring_nothing())
        stack = started.enter_context(Stack(directory / "stack"))
        started.enter_context(Portal(stack))
        browser = started.enter_context(closing(Witness(stack.base_url)))
        terminal = Terminal(directory / "home", stack.base_url)
        _use_everything(browser, terminal, search)
        for place, content in browser.seen:
            search.look(place, content)
        _look_at_tokens(browser, terminal, search)
        _look_in_servers(stack, search)
    search.look_in_files(directory / "stack", except_for=frozenset({"secrets.json"}))
    return search


def _use_everything(browser: Witness, terminal: Terminal, search: Search) -> None:
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    # The middle of the key's own seed: bytes that no public half holds.
    body = base64.b64decode("".join(private.splitlines()[1:-1]))
    search.secrets["ssh key"] = body[161:185]
    search.secrets["ssh key as text"] = private.splitlines()[4].encode()
    owner = SandboxOwner(browser, Report())
    owner.sign_in("owner")
    owner.create_tenants((SENDER, RECEIVER))
    owner.log_in(terminal, (SENDER, RECEIVER))
    _plant(browser, search, private)
    environment = terminal.output("run", "--no-mask", "--repository", "api", "--", "env", tenant=SENDER)
    assert search.secrets["parameter"].decode() in environment
    fetched = terminal.environment["HOME"] + "/key"
    terminal.output("ssh-key", "fetch", "deploy", "--repository", "api", "--output", fetched, tenant=SENDER)
    listed = _wait_for_message(terminal)
    read = terminal.output("message", "read", listed["id"], tenant=RECEIVER)
    assert search.secrets["message"].decode() in read


def _plant(browser: Witness, search: Search, private: str) -> None:
    """Fill in the portal's forms, with mistakes where a form comes back with what was typed."""
    home = f"/t/{SENDER}"
    page = browser.open(f"{home}/repositories/new/")
    browser.submit(page, page.form(having="labels"), name="api", labels="os=linux")
    page = browser.open(f"{home}/parameters/new/")
    made = browser.submit(page, page.form(having="filters"), name="all", filters="os=linux")
    value = search.secrets["parameter"].decode()
    _mistake(browser, made.path, "value", name="1-wrong", value=value)
    page = browser.open(made.path)
    browser.submit(page, page.form(having="value"), name="CANARY", value=value)
    page = browser.open(f"{made.path}many/")
    preview = browser.submit(page, page.form(having="content"), content=f"MANY={value}")
    browser.submit(preview, preview.form(having="draft"), reason="Planted")
    page = browser.open(f"{home}/ssh-keys/import/")
    _mistake(browser, page.path, "private_key", name="!", private_key=private)
    browser.submit(page, page.form(having="private_key"), name="deploy", private_key=private, filters="os=linux")
    page = browser.open(f"{home}/connections/new/")
    browser.submit(page, page.form(having="other_slug"), other_slug=RECEIVER, direction="send")
    page = browser.open(f"/t/{RECEIVER}/connections/")
    browser.submit(page, page.form(action="/accept/"))
    page = browser.open(f"{home}/messages/new/")
    text = f'{{"secret": "{search.secrets["message"].decode()}"}}'
    browser.submit(page, page.form(having="payload"), to=RECEIVER, payload=text, ttl="3600")
    for path in ("", "/parameters/", "/ssh-keys/", "/messages/", "/messages/sent/", "/audit/", "/members/"):
        browser.look(home + path)
    browser.look(f"/no-such-page/{quote(value, safe='')}?q={quote(value, safe='')}")
    # What the person typed into the address is theirs to see again in nothing but that address.
    browser.seen = [(place.split("?")[0], content) for place, content in browser.seen]


def _mistake(browser: Witness, path: str, having: str, **fields: str) -> None:
    page = browser.open(path)
    form = page.form(having=having)
    answer = browser._http.post(browser.origin + (form.action or page.path), data={**form.fields, **fields})
    assert answer.status_code == 422


def _wait_for_message(terminal: Terminal) -> dict[str, str]:
    arrived = partial(terminal.json, "message", "list", tenant=RECEIVER)
    until(lambda: bool(arrived()), "the message does not arrive", seconds=120)
    (listed,) = terminal.json("message", "list", tenant=RECEIVER)
    return dict(listed)


def _look_at_tokens(browser: Witness, terminal: Terminal, search: Search) -> None:
    """Tokens and session handles are secrets too, everywhere but with whoever holds them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BULKHEAD_CONFIG_DIR", terminal.environment["BULKHEAD_CONFIG_DIR"])
        token = credentials.find(terminal.portal, SENDER).token
    tokens = Search({"access token": token[-40:].encode()})
    for place, content in browser.seen:
        tokens.look(place, content)
    search.found |= tokens.found
    search.secrets["access token"] = token[-40:].encode()
    for number, cookie in enumerate(browser.cookies()):
        search.secrets[f"session handle {number}"] = cookie.encode()


def _look_in_servers(stack: Stack, search: Search) -> None:
    administrator = stack.administrator()
    environment = {**os.environ, "PGPASSWORD": administrator["password"]}
    server = ["-h", administrator["host"], "-p", administrator["port"], "-U", administrator["user"]]
    dump = subprocess.check_output([postgres.binaries() / "pg_dumpall", *server], env=environment)
    assert b"parameter_versions" in dump
    search.look("pg_dumpall", dump)
    # COPY writes bytea as hex, which `hex` finds; what was sealed twice over can't be read by anybody here.
    for number in (0, 1):
        client = redis.Redis(host=LOOPBACK, port=stack.ports["valkey"], password=stack.credentials.valkey, db=number)
        with closing(client):
            for key in client.scan_iter():
                search.look(f"Valkey {key!r}", key + (client.dump(key) or b""))
            client.save()


def test_planted_secrets_are_found_nowhere(searched: Search) -> None:
    assert searched.found == set()


def test_the_search_looked_at_something(searched: Search) -> None:
    assert searched.searched > 10_000_000
    assert {"parameter", "message", "ssh key", "access token"} <= searched.secrets.keys()


@pytest.mark.parametrize("spelling", spellings(b"canary-under-test/+"))
def test_each_spelling_is_found(spelling: str) -> None:
    secret = b"canary-under-test/+"
    search = Search({"canary": secret})
    hidden = {
        "raw": secret,
        "hex": secret.hex().encode(),
        "HEX": secret.hex().upper().encode(),
        "url": b"canary-under-test%2F%2B",
        "utf-16": secret.decode("latin-1").encode("utf-16-le"),
    }
    for shift in range(3):
        hidden[f"base64+{shift}"] = base64.b64encode(b"x" * shift + secret + b"tail")
        hidden[f"base64url+{shift}"] = base64.urlsafe_b64encode(b"x" * shift + secret + b"tail")
    search.look("a haystack", b"before " + hidden[spelling] + b" after")
    assert any(found == spelling for _, found, _ in search.found)
