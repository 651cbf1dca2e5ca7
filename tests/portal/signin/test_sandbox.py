"""The sandbox speaks as the providers document it: errors, single use, PKCE, scopes. Real HTTP."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from portal.demo.identity.configuration import Client, Configuration
from portal.demo.identity.grants import Store
from portal.demo.identity.server import build

get, post = partial(httpx.get, timeout=30), partial(httpx.post, timeout=30)
BACK = "http://127.0.0.1:9/complete"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@dataclass
class Sandbox:
    url: str

    def authorize(self, path: str, **changes: str) -> httpx.Response:
        asked = {"client_id": "id", "redirect_uri": BACK, "state": "s", "scope": "read:user user:email account email"}
        pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        return get(self.url + path, params={**asked, **pkce, **changes})

    def code(self, path: str, login: str = "owner", **changes: str) -> str:
        name = re.search(r'name="authorization" value="([^"]+)"', self.authorize(path, **changes).text)
        assert name
        sent = post(f"{self.url}/sandbox/pick", data={"authorization": name[1], "login": login})
        return parse_qs(urlsplit(sent.headers["Location"]).query)["code"][0]

    def github(self, **changes: str) -> httpx.Response:
        form = {"client_id": "id", "client_secret": "secret", "code_verifier": VERIFIER, **changes}
        return post(f"{self.url}{GITHUB_TOKEN}", data=form, headers={"Accept": "application/json"})

    def bitbucket(self, auth: tuple[str, str] = ("id", "secret"), **changes: str) -> httpx.Response:
        form = {"grant_type": "authorization_code", "code_verifier": VERIFIER, **changes}
        return post(f"{self.url}{BITBUCKET_TOKEN}", data=form, auth=auth)

    def user(self, path: str, token: str) -> httpx.Response:
        return get(self.url + path, headers={"Authorization": f"Bearer {token}"})


GITHUB, GITHUB_TOKEN = "/login/oauth/authorize", "/login/oauth/access_token"
BITBUCKET, BITBUCKET_TOKEN = "/site/oauth2/authorize", "/site/oauth2/access_token"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    client = Client("id", "secret")
    with build(Configuration({"github": client, "bitbucket": client}), 0) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Sandbox(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def test_a_code_becomes_a_token_that_shows_the_account(sandbox: Sandbox) -> None:
    token = sandbox.github(code=sandbox.code(GITHUB)).json()["access_token"]
    profile = sandbox.user("/user", token).json()
    assert (profile["id"], profile["login"], profile["two_factor_authentication"]) == (1001, "owner", True)
    assert sandbox.user("/user/emails", token).json()[0]["verified"] is True


def test_bitbucket_shows_the_account_too(sandbox: Sandbox) -> None:
    token = sandbox.bitbucket(code=sandbox.code(BITBUCKET, "no-mfa")).json()["access_token"]
    assert sandbox.user("/2.0/user", token).json()["has_2fa_enabled"] is False
    assert sandbox.user("/2.0/user/emails", token).json()["values"][0]["is_confirmed"] is True


def test_a_code_works_once(sandbox: Sandbox) -> None:
    code = sandbox.code(GITHUB)
    assert "access_token" in sandbox.github(code=code).json()
    assert sandbox.github(code=code).json()["error"] == "bad_verification_code"


def test_a_code_of_one_provider_is_none_of_the_other(sandbox: Sandbox) -> None:
    assert sandbox.bitbucket(code=sandbox.code(GITHUB)).json()["error"] == "invalid_grant"
    assert sandbox.github(code=sandbox.code(BITBUCKET)).json()["error"] == "bad_verification_code"


@pytest.mark.parametrize("verifier", ["", "w" * 43, CHALLENGE])
def test_the_verifier_is_checked(sandbox: Sandbox, verifier: str) -> None:
    github = sandbox.github(code=sandbox.code(GITHUB), code_verifier=verifier)
    assert github.json()["error"] == "bad_verification_code"
    bitbucket = sandbox.bitbucket(code=sandbox.code(BITBUCKET), code_verifier=verifier)
    assert bitbucket.json()["error"] == "invalid_grant"


def test_the_client_is_checked(sandbox: Sandbox) -> None:
    assert sandbox.github(code="x", client_secret="wrong").json()["error"] == "incorrect_client_credentials"
    refused = sandbox.bitbucket(auth=("id", "wrong"), code="x")
    assert (refused.status_code, refused.json()["error"]) == (401, "unauthorized_client")
    assert sandbox.authorize(GITHUB, client_id="other").status_code == 404


def test_the_redirect_address_is_checked(sandbox: Sandbox) -> None:
    assert sandbox.authorize(GITHUB, redirect_uri="https://evil.example/").status_code == 400
    assert sandbox.authorize(BITBUCKET, redirect_uri="http://user@127.0.0.1/").status_code == 400
    other = sandbox.github(code=sandbox.code(GITHUB), redirect_uri="http://127.0.0.1:9/other")
    assert other.json()["error"] == "redirect_uri_mismatch"


def test_plain_pkce_is_refused(sandbox: Sandbox) -> None:
    sent = sandbox.authorize(GITHUB, code_challenge_method="plain")
    assert parse_qs(urlsplit(sent.headers["Location"]).query) == {"error": ["invalid_request"], "state": ["s"]}


def test_scopes_are_respected(sandbox: Sandbox) -> None:
    token = sandbox.github(code=sandbox.code(GITHUB, scope="gist")).json()["access_token"]
    assert "two_factor_authentication" not in sandbox.user("/user", token).json()
    assert sandbox.user("/user/emails", token).status_code == 404
    token = sandbox.bitbucket(code=sandbox.code(BITBUCKET, scope="account")).json()["access_token"]
    assert sandbox.user("/2.0/user/emails", token).status_code == 403


@pytest.mark.parametrize("path", ["/user", "/user/emails", "/2.0/user", "/2.0/user/emails"])
def test_a_token_counts_in_the_header_only(sandbox: Sandbox, path: str) -> None:
    mine, code = (sandbox.bitbucket, BITBUCKET) if path.startswith("/2.0") else (sandbox.github, GITHUB)
    token = mine(code=sandbox.code(code)).json()["access_token"]
    assert sandbox.user(path, token).status_code == 200
    assert get(sandbox.url + path, params={"access_token": token}).status_code == 401


def test_an_address_alone_picks_nobody(sandbox: Sandbox) -> None:
    assert sandbox.authorize(GITHUB, login="owner").status_code == 200
    assert get(f"{sandbox.url}/sandbox/pick", params={"login": "owner"}).status_code == 404


def test_the_picker_is_used_once(sandbox: Sandbox) -> None:
    name = re.search(r'name="authorization" value="([^"]+)"', sandbox.authorize(GITHUB).text)
    assert name
    form = {"authorization": name[1], "login": "owner"}
    assert post(f"{sandbox.url}/sandbox/pick", data=form).status_code == 302
    assert post(f"{sandbox.url}/sandbox/pick", data=form).status_code == 400


def test_declining_says_so(sandbox: Sandbox) -> None:
    name = re.search(r'name="authorization" value="([^"]+)"', sandbox.authorize(GITHUB).text)
    assert name
    sent = post(f"{sandbox.url}/sandbox/pick", data={"authorization": name[1], "login": ""})
    assert parse_qs(urlsplit(sent.headers["Location"]).query)["error"] == ["access_denied"]


def test_what_has_expired_is_gone() -> None:
    now = [0.0]
    store: Store[str] = Store(60.0, clock=lambda: now[0])
    name = store.keep("kept")
    now[0] = 59.9
    assert store.get(name) == "kept"
    now[0] = 60.0
    assert store.take(name) is None


def test_a_large_form_is_refused(sandbox: Sandbox) -> None:
    assert post(f"{sandbox.url}/sandbox/pick", data={"login": "x" * 20_000}).status_code == 413
