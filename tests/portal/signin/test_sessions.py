"""One session a person, by construction: races, displacement, limits, and what a stolen dump is worth."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from portal import epochs
from portal.signin import sealing, sessions
from portal.signin.sessions import SessionStore
from secrets_vault import derive
from secrets_vault.aead import Key
from secrets_vault.errors import BadCiphertext
from tenants.registry.models import Displaced, Person, Session
from tests.conftest import NewPerson
from tests.portal.signin.browser import Browser
from tests.portal.signin.conftest import NewBrowser

COOKIE = sessions.COOKIE
DAY = timedelta(days=1)


def row(browser: Browser) -> Session | None:
    return Session.objects.filter(handle_digest=sealing.digest(browser.cookies[COOKIE])).first()


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/account/").status_code == 200


def begun(person: Person) -> SessionStore:
    store = SessionStore()
    store.begin(person, "192.0.2.7", "Firefox on Linux")
    return store


def opened(store: SessionStore) -> SessionStore:
    """Return what another request with the same cookie gets."""
    again = SessionStore(store.session_key)
    again.open()
    return again


def test_the_cookie_is_bound_to_the_host_and_out_of_reach_of_scripts(browser: Browser) -> None:
    cookies = browser.sign_in().headers.get_list("set-cookie")
    line = next(cookie for cookie in cookies if cookie.startswith(f"{COOKIE}="))
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(line.split("; "))
    assert "Domain" not in line
    assert len(browser.cookies[COOKIE]) == 43, "256 bits"


def test_every_sign_in_gets_a_fresh_handle(browser: Browser) -> None:
    planted = sealing.new_handle()
    browser.cookies[COOKIE] = planted
    browser.sign_in()
    first = browser.cookies[COOKIE]
    assert first != planted
    browser.post("/sign-out/", _token(browser))
    browser.sign_in()
    assert browser.cookies[COOKIE] not in {planted, first}


def _token(browser: Browser) -> dict[str, str]:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get("/account/").text)
    assert found
    return {"csrfmiddlewaretoken": found[1]}


def test_the_newest_sign_in_wins_and_the_older_browser_is_told(new_browser: NewBrowser) -> None:
    old, new = new_browser(), new_browser("Mozilla/5.0 (Macintosh; Intel Mac OS X 15) Version/19 Safari/605")
    old.sign_in()
    assert is_signed_in(old)
    new.sign_in()
    assert is_signed_in(new)
    turned_away = old.get("/account/")
    assert turned_away.headers["Location"] == "/session/displaced/"
    told = old.get("/session/displaced/").text
    assert "Safari on macOS" in told
    assert "127.0.0.1" in told


def test_the_new_session_is_told_once_that_it_ended_another(new_browser: NewBrowser) -> None:
    old, new = new_browser(), new_browser()
    old.sign_in()
    new.sign_in()
    assert "ended your session in another browser: Firefox on Linux" in new.get("/account/").text
    assert "ended your session" not in new.get("/account/").text


def test_signing_in_again_in_the_same_browser_displaces_nobody(browser: Browser) -> None:
    browser.sign_in()
    handle = browser.cookies[COOKIE]
    del browser.cookies[COOKIE]
    browser.sign_in()  # forgets the first, so this one displaces it
    assert Displaced.objects.filter(handle_digest=sealing.digest(handle)).exists()
    handle = browser.cookies[COOKIE]
    browser.get(browser.pick(_begin_again(browser), "owner"))
    assert not Displaced.objects.filter(handle_digest=sealing.digest(handle)).exists()


def _begin_again(browser: Browser) -> str:
    return str(browser.post("/sign-in/github/begin/", _token(browser)).headers["Location"])


def test_a_displaced_sign_out_ends_nothing(new_browser: NewBrowser) -> None:
    old, new = new_browser(), new_browser()
    old.sign_in()
    token = _token(old)
    new.sign_in()
    assert old.post("/sign-out/", token).status_code == 302
    assert is_signed_in(new)


def test_sign_out_ends_the_session_in_the_database_too(browser: Browser) -> None:
    browser.sign_in()
    handle = browser.cookies[COOKIE]
    browser.post("/sign-out/", _token(browser))
    assert COOKIE not in browser.cookies
    browser.cookies[COOKIE] = handle
    assert row(browser) is None
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    ("field", "age", "lives"),
    [
        ("seen_at", timedelta(minutes=29), True),
        ("seen_at", timedelta(minutes=30, seconds=1), False),
        ("created_at", timedelta(hours=11, minutes=59), True),
        ("created_at", timedelta(hours=12, seconds=1), False),
    ],
)
def test_sessions_end_by_the_databases_clock(new_person: NewPerson, field: str, age: timedelta, lives: bool) -> None:
    person = new_person()
    store = begun(person)
    Session.objects.filter(person=person).update(**{field: Now() - age})
    assert opened(store).person == (person if lives else None)


def test_use_keeps_an_idle_session_alive_but_not_past_its_end(new_person: NewPerson) -> None:
    person = new_person()
    store = begun(person)
    Session.objects.filter(person=person).update(
        seen_at=Now() - timedelta(minutes=20), created_at=Now() - timedelta(hours=11)
    )
    opened(store)
    assert Session.objects.filter(person=person, seen_at__gt=Now() - timedelta(minutes=1)).exists()
    assert Session.objects.filter(person=person, created_at__lt=Now() - timedelta(hours=10)).exists()


def test_twenty_sign_ins_at_once_leave_one_session(new_person: NewPerson) -> None:
    person = new_person()

    def sign_in(_: int) -> str:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = 0")  # on a busy machine the last of twenty waits for long
            return str(begun(person).session_key)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        handles = list(pool.map(sign_in, range(20)))
    assert len(set(handles)) == 20
    assert Session.objects.filter(person=person).count() == 1
    assert Displaced.objects.filter(person=person).count() == 19
    alive = [handle for handle in handles if SessionStore(handle).open() is not None]
    assert len(alive) == 1


def test_a_save_in_flight_revives_nothing(new_person: NewPerson) -> None:
    person = new_person()
    slow = opened(begun(person))
    slow["cart"] = "old"
    winner = begun(person)
    slow.save()
    assert slow.session_key
    assert SessionStore(slow.session_key).open() is None
    again = opened(winner)
    assert again.person == person
    assert "cart" not in again


def test_what_a_session_holds_is_there_at_the_next_request(new_person: NewPerson) -> None:
    store = begun(new_person())
    store["step"] = 2
    store.save()
    assert opened(store)["step"] == 2


def test_nobodys_session_is_never_written() -> None:
    before = Session.objects.count()
    store = SessionStore()
    store["step"] = 1
    store.save()
    store.create()
    assert Session.objects.count() == before


def test_a_dump_opens_no_session(new_person: NewPerson) -> None:
    person = new_person()
    store = begun(person)
    store["canary"] = "kittiwake"
    store.save()
    kept = Session.objects.get(person=person)
    assert store.session_key
    stored = (bytes(kept.handle_digest), bytes(kept.payload))
    assert all(store.session_key.encode() not in part and b"kittiwake" not in part for part in stored)
    # Neither the digest nor the secret of the deployment opens it: the handle is missing.
    assert SessionStore(bytes(kept.handle_digest).hex()).open() is None
    secret = epochs.keys("sessions", settings.SESSION_SECRET, [])[0]
    key = Key(derive(secret, "session", bytes(kept.handle_digest).hex()))
    with pytest.raises(BadCiphertext):
        key.decrypt(stored[1][:12], stored[1][12:], b"session")


def test_a_payload_of_somebody_else_does_not_open(new_person: NewPerson) -> None:
    first, second = begun(new_person()), begun(new_person())
    foreign = Session.objects.get(person=first.person).payload
    Session.objects.filter(person=second.person).update(payload=foreign)
    assert opened(second).person is None


@pytest.mark.parametrize("handle", ["", "short", "x" * 44, "é" * 43, "x" * 42 + "'", None])
def test_what_is_no_handle_is_not_looked_up(handle: str | None) -> None:
    with connection.execute_wrapper(_no_query):
        assert SessionStore(handle).open() is None
        assert sessions.displaced(handle or "") is None


def _no_query(*_: object) -> None:
    pytest.fail("a query was made")


def test_a_request_costs_one_query(new_person: NewPerson) -> None:
    store = begun(new_person())
    with CaptureQueriesContext(connection) as queries:
        assert SessionStore(store.session_key).open() is not None
    assert len(queries) == 1
