"""The short way answers what Django's would, word for word, and leaves to Django whatever is in any way unusual."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import pytest
from django.db import connections, models
from django.db.models.functions import Now
from pytest_django import Settings

from portal.api.readings import Application, Readings
from tenants import keyrings
from tenants.actions import parameters, repositories
from tenants.records.audit import AuditRow
from tenants.registry import acts as noting
from tenants.registry.models import AccessToken, Membership, Person, Tenant
from tenants.roles import Role
from tests.conftest import Household, NewPerson, NewTenant
from tests.portal.api.conftest import Caller, NewCaller, new_token, text_of
from tests.portal.api.reading import KEY, Answer, Portal, ask, environ
from tests.tenants.test_round_trips import counted

SECRET: Final = "hunter2-canary"


@pytest.fixture(scope="module")
def stocked(new_tenant: NewTenant) -> Household:
    made = new_tenant()
    with made.enter() as inside:
        repositories.create_repository(inside, name="acme/api", url="", labels=[("team", "blue")])
        repositories.create_repository(inside, name="empty", url="", labels=[])
        for name in ("one", "two"):
            added = parameters.create_set(inside, name=name, description="", filters=[[("team", "blue")]])
            for parameter in ("TOKEN", f"ONLY_{name.upper()}"):
                parameters.set_parameter(inside, added.id, name=parameter, value=f"{SECRET} ✓")
    return made


@pytest.fixture
def caller(stocked: Household, new_caller: NewCaller) -> Caller:
    return new_caller(stocked)


def last_act(household: Household) -> dict[str, Any]:
    with household.enter():
        return dict(json.loads(AuditRow.objects.order_by("-position")[0].entry))


def both(*arguments: Any, **changes: Any) -> Answer:
    """Ask on both ways, find the answers alike and the short way's not Django's."""
    portal = Portal()
    short = ask(Readings(portal), environ(*arguments, **changes))
    assert portal.passed == []
    assert short.compared() == ask(portal, environ(*arguments, **changes)).compared()
    return short


@pytest.mark.parametrize("name", ["acme/api", "empty"])
def test_values_and_their_entry_are_the_same(stocked: Household, caller: Caller, name: str) -> None:
    portal = Portal()
    acts = []
    both_ways: list[Application] = [Readings(portal), portal]
    for application in both_ways:
        answer = ask(application, environ(caller, name))
        assert SECRET.encode() not in answer.content
        acts.append(last_act(stocked))
    assert acts[0] == acts[1]
    assert acts[0]["action"] == "parameters.revealed"
    assert acts[0]["token"] == str(caller.row.id)
    assert acts[0]["address"] == caller.client.defaults["REMOTE_ADDR"]
    assert acts[0]["detail"]["names"] == (["ONLY_ONE", "ONLY_TWO", "TOKEN"] if name == "acme/api" else [])
    assert both(caller, name).status == "200 OK"


def test_it_costs_two_statements_and_makes_no_rows_objects(
    stocked: Household, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = Readings(Portal())
    noting._noted.pop(stocked.tenant.id, None)  # what another test noted may be too old between the two readings
    keyrings.forget_keyring(stocked.tenant.id)
    ask(application, environ(caller))  # the use is noted, the keys are here

    def made(*_: object, **__: object) -> None:
        raise AssertionError("a row became an object")

    monkeypatch.setattr(models.Model, "__init__", made)
    with _entered(stocked), counted("default", stocked.tenant.schema) as sent:
        assert ask(application, environ(caller)).status == "200 OK"
    assert len(sent) == 2, sent


@contextmanager
def _entered(household: Household) -> Iterator[None]:
    from tenants.databases import Entered, entered  # noqa: PLC0415 - the connection is looked at, not used

    token = entered.set(Entered(household.tenant.schema, 1))
    try:
        yield
    finally:
        entered.reset(token)


def refused(name: str, stocked: Household, caller: Caller, new_caller: NewCaller, new_person: NewPerson) -> Caller:
    """Return a caller whom the operation refuses, once a token has been shown."""
    if name == "auditor":
        return new_caller(stocked, stocked.join(new_person(), Role.AUDITOR))
    if name == "left":
        gone = new_caller(stocked, stocked.join(new_person(), Role.OWNER))
        Membership.objects.filter(person=gone.row.person, tenant=stocked.tenant).delete()
        return gone
    if name == "revoked":
        AccessToken.objects.filter(id=caller.row.id).update(revoked_at=Now())
    if name == "expired":
        AccessToken.objects.filter(id=caller.row.id).update(expires_at=Now())
    if name == "frozen":
        frozen = new_caller(stocked, stocked.join(new_person(), Role.OWNER))
        Person.objects.filter(id=frozen.row.person_id).update(tokens_frozen_at=Now())
        return frozen
    if name == "a build's":
        row = new_token(stocked, build_id=stocked.tenant.id)
        return replace(caller, row=row, token=text_of(row))
    if name == "elsewhere":
        return replace(caller, slug="nobody-here")
    return caller


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("auditor", 403),
        ("left", 404),
        ("revoked", 401),
        ("expired", 401),
        ("frozen", 401),
        ("a build's", 403),
        ("elsewhere", 404),
    ],
)
def test_who_is_refused_hears_the_same(
    name: str, status: int, stocked: Household, caller: Caller, new_caller: NewCaller, new_person: NewPerson
) -> None:
    who = refused(name, stocked, caller, new_caller, new_person)
    assert both(who).status.startswith(str(status))


def test_what_can_not_be_had_is_told_the_same(caller: Caller) -> None:
    assert both(caller, "nothing").status.startswith("404")
    low_order = {"key": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}}
    assert both(caller, body=low_order).status.startswith("422")


def test_a_suspended_tenant(household: Household, new_caller: NewCaller) -> None:
    Tenant.objects.using("owner").filter(id=household.tenant.id).update(state="suspended", state_reason="unpaid")
    assert b"unpaid" in both(new_caller(household)).content


def test_a_limit_is_one_for_both_ways(stocked: Household, new_caller: NewCaller, settings: Settings) -> None:
    settings.RATES = {**settings.RATES, "api": "2/m"}
    caller, portal = new_caller(stocked), Portal()
    ways: list[Application] = [Readings(portal), portal, Readings(portal), portal]
    answers = [ask(way, environ(caller)) for way in ways]
    assert [answer.status[:3] for answer in answers] == ["200", "200", "429", "429"]
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 60


def test_nothing_leaves_when_the_log_can_not_be_written(household: Household, new_caller: NewCaller) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="acme/api", url="", labels=[])
        added = parameters.create_set(inside, name="all", description="", filters=[])
        parameters.set_parameter(inside, added.id, name="TOKEN", value=SECRET)
    schema = household.tenant.schema
    with connections["provisioner"].cursor() as cursor:
        cursor.execute(f"REVOKE INSERT (entry) ON {schema}.audit FROM {schema}")
    answer = both(new_caller(household))
    assert answer.status.startswith("500")
    assert b"jwe" not in answer.content


@pytest.mark.parametrize(
    "changes",
    [
        {"REQUEST_METHOD": "GET"},
        {"QUERY_STRING": "a=b"},
        {"SCRIPT_NAME": "/portal"},
        {"PATH_INFO": "/api/v1/me"},
        {"PATH_INFO": "/api/v1/tenants/x/repositories/\xc3\xa4/environment"},
        {"HTTP_HOST": "evil.example"},
        {"HTTP_HOST": None},
        {"HTTP_COOKIE": "__Host-bulkhead=anything"},
        {"HTTP_TRANSFER_ENCODING": "chunked"},
        {"CONTENT_TYPE": "text/plain"},
        {"CONTENT_TYPE": "application/json; charset=utf-16"},
        {"CONTENT_LENGTH": None},
        {"CONTENT_LENGTH": "300000"},
        {"HTTP_AUTHORIZATION": None},
        {"HTTP_AUTHORIZATION": "Basic eDp5"},
        {"HTTP_AUTHORIZATION": "Bearer nothing"},
        {"body": b"{"},
        {"body": b'{"key": {}}'},
        {"body": b'{"key": 1, "key": 2}'},
        pytest.param({"body": {"key": KEY.as_dict(private=False), "more": 1}}, id="a field too many"),
    ],
    ids=str,
)
def test_what_is_unusual_is_djangos_untouched(caller: Caller, changes: dict[str, Any]) -> None:
    portal = Portal()
    made = environ(caller, **changes)
    sent = made["wsgi.input"].getvalue()
    ask(Readings(portal), made)
    assert portal.passed == [sent]


def test_plain_http_is_sent_to_https_by_django(caller: Caller, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.TRUSTED_PROXIES = ["127.0.0.9/32"]
    portal = Portal()
    assert ask(Readings(portal), environ(caller)).status.startswith("301")
    proxied = {"REMOTE_ADDR": "127.0.0.9", "HTTP_FORWARDED": "for=192.0.2.44;proto=https"}
    assert ask(Readings(portal), environ(caller, **proxied)).status == "200 OK"
    assert len(portal.passed) == 1
    assert ask(Readings(portal), environ(caller, HTTP_FORWARDED="for=192.0.2.44;proto=https")).status.startswith("301")


def test_the_address_is_the_one_behind_a_trusted_proxy(stocked: Household, caller: Caller, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.9/32"]
    ask(Readings(Portal()), environ(caller, REMOTE_ADDR="127.0.0.9", HTTP_FORWARDED="for=192.0.2.44"))
    assert last_act(stocked)["address"] == "192.0.2.44"
