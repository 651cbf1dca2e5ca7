"""Signing in over real HTTP: portal, sandbox provider and database as they run."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from django.db.models.functions import Now
from django.test import Client, override_settings

from portal.demo.embedded import Stack
from portal.signin import attempts, sealing
from tenants.registry.models import Attempt, Person, Session
from tests.portal.signin.browser import Browser
from tests.portal.signin.conftest import NewBrowser

ATTEMPT = attempts.COOKIE
ENDED = "no longer under way"


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def text(response: httpx.Response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", response.text))


@pytest.mark.parametrize(("provider", "uid"), [("github", r"1001"), ("bitbucket", r"\{[0-9a-f-]{36}\}")])
def test_a_verified_account_gets_in(browser: Browser, provider: str, uid: str) -> None:
    response = browser.sign_in("owner", provider, back="/account/")
    assert (response.status_code, response.headers["Location"]) == (302, "/account/")
    assert "owner@acme.example" in browser.get("/account/").text
    person = Person.objects.get(provider=provider, email="owner@acme.example")
    assert re.fullmatch(uid, person.uid)
    assert (person.email, person.mfa) == ("owner@acme.example", True)


def test_the_same_address_at_the_other_provider_is_somebody_else(new_browser: NewBrowser) -> None:
    new_browser().sign_in("owner", "github")
    new_browser().sign_in("owner", "bitbucket")
    assert Person.objects.filter(email="owner@acme.example", login="owner").count() == 2


def test_a_person_who_returns_is_the_same_whatever_the_login_says(new_browser: NewBrowser) -> None:
    new_browser().sign_in("member")
    person = Person.objects.get(provider="github", uid="1002")
    Person.objects.filter(pk=person.pk).update(login="old-login", email="old@acme.example", mfa=None)
    new_browser().sign_in("member")
    again = Person.objects.get(provider="github", uid="1002")
    assert (again.pk, again.login, again.email, again.mfa) == (person.pk, "member", "member@acme.example", True)


@pytest.mark.parametrize("provider", ["github", "bitbucket"])
@pytest.mark.parametrize(
    ("login", "says"),
    [
        ("unverified-email", "has not verified uma@acme.example"),
        ("no-email", "has no e-mail address|verified e-mail address, and no-email shows none"),
        ("", "You declined|Nothing was shared"),
    ],
)
def test_others_are_told_what_to_use(browser: Browser, provider: str, login: str, says: str) -> None:
    response = browser.sign_in(login, provider)
    assert response.status_code == 403
    assert re.search(says, text(response))
    assert "__Host-bulkhead" not in browser.cookies
    assert not Person.objects.filter(login__in=["unverified-email", "no-email"]).exists()


def test_no_second_factor_is_recorded_and_said(browser: Browser) -> None:
    browser.sign_in("no-mfa")
    assert Person.objects.get(provider="github", uid="1006").mfa is False
    assert "Your GitHub account has no second factor" in browser.get("/account/").text


@pytest.mark.parametrize(("domains", "status"), [(["acme.example"], 302), (["elsewhere.example", "b.example"], 403)])
def test_only_allowed_domains_get_in(client: Client, identity_url: str, domains: list[str], status: int) -> None:
    with override_settings(ALLOWED_EMAIL_DOMAINS=domains):
        begun = client.post("/sign-in/bitbucket/begin/")
        assert begun["Location"].startswith(identity_url)
        response = client.get(Browser.pick(begun["Location"], "owner"))
        assert response.status_code == status
        if status == 403:
            assert "Only addresses at elsewhere.example or b.example are let in" in response.content.decode()


def test_scopes_and_reasons_are_shown_before_anybody_is_sent_away(browser: Browser) -> None:
    page = text(browser.get("/sign-in/"))
    for scope in ("read:user", "user:email", "account", "email"):
        assert scope in page


@pytest.mark.parametrize(("provider", "scope"), [("github", "read:user,user:email"), ("bitbucket", "account email")])
def test_no_more_than_those_scopes_are_asked_with_pkce_and_state(browser: Browser, provider: str, scope: str) -> None:
    asked = query(browser.begin(provider).headers["Location"])
    assert asked["scope"] == scope
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) == 32
    assert asked["redirect_uri"] == f"{browser.portal}/sign-in/{provider}/complete/"


def test_the_way_back_is_ours_whatever_the_next_says(browser: Browser) -> None:
    for evil in ("//evil.example", "/\\evil.example", "/%09/evil.example", "\\\\evil.example", "https://evil.example/"):
        begun = browser.post("/sign-in/github/begin/", {**_token(browser), "next": evil})
        response = browser.get(browser.pick(begun.headers["Location"], "owner"))
        assert response.headers["Location"] == "/", evil


def _token(browser: Browser) -> dict[str, str]:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get("/docs/").text) or re.search(
        r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get("/").text
    )
    return {"csrfmiddlewaretoken": found[1]} if found else {}


def _complete(browser: Browser, provider: str = "github", **parameters: str) -> httpx.Response:
    return browser.get(f"/sign-in/{provider}/complete/?{urlencode(parameters)}")


def _rejected(response: httpx.Response) -> bool:
    return response.status_code == 400 and "__Host-bulkhead=" not in str(response.headers.get_list("set-cookie"))


def test_a_state_that_is_wrong_or_absent_ends_there(browser: Browser) -> None:
    back = query(browser.pick(browser.begin().headers["Location"], "owner"))
    assert _rejected(_complete(browser, code=back["code"]))
    assert _rejected(_complete(browser, code=back["code"], state=""))
    assert _rejected(_complete(browser, code=back["code"], state="x" * 32))
    assert _rejected(_complete(browser, code=back["code"], state="x" * 5000))
    # None of that used up the attempt: the true answer still counts.
    assert _complete(browser, **back).status_code == 302


def test_a_state_counts_in_the_browser_that_began(browser: Browser, new_browser: NewBrowser) -> None:
    back = browser.pick(browser.begin().headers["Location"], "owner")
    other = new_browser()
    assert _rejected(other.get(back))
    other.begin()
    assert _rejected(other.get(back))
    assert other.get("/account/").status_code == 302


def test_an_answer_counts_once(browser: Browser) -> None:
    back = browser.pick(browser.begin().headers["Location"], "owner")
    attempt = browser.cookies[ATTEMPT]
    assert browser.get(back).status_code == 302
    browser.cookies[ATTEMPT] = attempt
    assert _rejected(browser.get(back))


def test_an_answer_for_one_provider_is_none_for_the_other(browser: Browser) -> None:
    back = query(browser.pick(browser.begin("github").headers["Location"], "owner"))
    assert _rejected(_complete(browser, "bitbucket", **back))


def test_an_attempt_lives_for_ten_minutes_of_the_databases_clock(browser: Browser) -> None:
    back = browser.pick(browser.begin().headers["Location"], "owner")
    mine = Attempt.objects.filter(handle_digest=sealing.digest(browser.cookies[ATTEMPT]))
    assert mine.update(created_at=Now() - timedelta(minutes=10, seconds=1)) == 1
    response = browser.get(back)
    assert _rejected(response)
    assert ENDED in text(response) or "Begin again in this browser" in text(response)
    browser.begin()
    assert not mine.exists(), "an attempt that has expired is swept out"


def test_a_forged_code_is_refused_without_technical_words(browser: Browser) -> None:
    back = query(browser.pick(browser.begin().headers["Location"], "owner"))
    response = _complete(browser, code="forged", state=back["state"])
    assert response.status_code in {502, 503}
    assert not re.search("bad_verification_code|invalid_grant|Traceback|social", response.text)


@pytest.mark.parametrize("address", ["/", "/sign-in/", "/account/", "/session/displaced/", "/docs/", "/nothing/"])
def test_a_visitor_leaves_no_row(browser: Browser, address: str) -> None:
    before = (Attempt.objects.count(), Session.objects.count())
    browser.get(address)
    assert (Attempt.objects.count(), Session.objects.count()) == before
    assert set(browser.cookies) <= {"__Host-csrf"}


def test_begin_is_a_post_with_the_forms_token(browser: Browser) -> None:
    assert browser.get("/sign-in/github/begin/").status_code == 405
    assert browser.post("/sign-in/github/begin/").status_code == 403
    browser.get("/sign-in/")
    assert browser.post("/sign-in/github/begin/", {"csrfmiddlewaretoken": "x" * 64}).status_code == 403
    page = browser.get("/sign-in/")
    evil = browser.post("/sign-in/github/begin/", _hidden(page), Origin="https://evil.example")
    assert evil.status_code == 403
    assert ATTEMPT not in browser.cookies


def _hidden(page: httpx.Response) -> dict[str, str]:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert found
    return {"csrfmiddlewaretoken": found[1]}


def test_an_unknown_provider_is_nowhere(browser: Browser) -> None:
    page = browser.get("/sign-in/")
    assert browser.post("/sign-in/gitlab/begin/", _hidden(page)).status_code == 404
    assert browser.get("/sign-in/gitlab/complete/").status_code == 404


def test_neither_token_nor_code_nor_verifier_is_kept(browser: Browser, stack: Stack) -> None:
    begun = browser.begin()
    handle = browser.cookies[ATTEMPT]
    payload = attempts.load(handle)
    back = browser.pick(begun.headers["Location"], "owner")
    browser.get(back)
    verifier = next(
        value["code_verifier"] for value in payload.values() if isinstance(value, dict) and "state" in value
    )
    secrets = [query(back)["code"], query(back)["state"], verifier, handle, browser.cookies["__Host-bulkhead"]]
    rows = [list(model.objects.values()) for model in (Person, Session, Attempt)]
    logs = "".join(path.read_text(errors="replace") for path in (stack.directory / "logs").iterdir())
    assert "/sign-in/github/complete/" in logs, "the log is the one that was looked for"
    for secret in [*secrets, "sandbox_"]:
        assert secret not in str(rows)
        assert secret.encode().hex() not in str(rows)
        assert secret not in logs
