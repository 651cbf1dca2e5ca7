"""The device authorization grant, step by step and out of step (RFC 8628), and revocation (RFC 7009)."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as configured
from django.db.models.functions import Now
from django.test import Client
from pytest_django import Settings

from portal.api.oauth import CLIENT, DEVICE_GRANT
from tenants.actions import tokens
from tenants.actions.tokens import USER_CODE_ALPHABET
from tenants.errors import Invalid
from tenants.registry.models import AccessToken, DeviceGrant, Tenant
from tests.conftest import Household, at_once
from tests.portal.api.conftest import Caller, new_client

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def client() -> Client:
    return new_client()


def start(client: Client) -> dict[str, Any]:
    answer = form(client, "/oauth/device/code", client_id=CLIENT, device_name="laptop")
    assert answer.status_code == 200, answer.content
    device: dict[str, Any] = answer.json()
    return device


def form(client: Client, path: str, **fields: str) -> Any:
    return client.post(path, urlencode(fields), content_type=FORM)


def poll(client: Client, device: dict[str, Any]) -> Any:
    return form(client, "/oauth/token", client_id=CLIENT, grant_type=DEVICE_GRANT, device_code=device["device_code"])


def grant_of(device: dict[str, Any]) -> DeviceGrant:
    return DeviceGrant.objects.get(device_digest=hashlib.sha256(device["device_code"].encode()).digest())


def error(answer: Any, status: int = 400) -> str:
    assert answer.status_code == status, answer.content
    assert answer["Cache-Control"] == "no-store"
    assert set(answer.json()) == {"error"}
    return str(answer.json()["error"])


def test_the_whole_way(client: Client, household: Household) -> None:
    device = start(client)
    assert device["verification_uri"] == f"{configured.BASE_URL}/device/"
    assert set(device["user_code"].replace("-", "")) <= set(USER_CODE_ALPHABET)
    assert len(device["user_code"]) == 9
    assert error(poll(client, device)) == "authorization_pending"

    tokens.approve_device(household.actor(), device["user_code"].lower(), household.slug)
    granted = poll(client, device)
    assert granted.status_code == 200
    assert granted["Cache-Control"] == "no-store"
    body = granted.json()
    assert (body["token_type"], body["scope"]) == ("Bearer", f"tenant:{household.slug}")
    assert 0 < body["expires_in"] <= 12 * 3600

    me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert (me.json()["tenant"], me.json()["token"]) == (household.slug, "laptop")


def test_codes_are_kept_as_digests(client: Client) -> None:
    device = start(client)
    row = str(vars(grant_of(device)))
    assert device["device_code"] not in row
    assert device["user_code"].replace("-", "") not in row


def test_a_grant_is_redeemed_once(client: Client, household: Household) -> None:
    device = start(client)
    tokens.approve_device(household.actor(), device["user_code"], household.slug)
    assert poll(client, device).status_code == 200
    assert error(poll(client, device)) == "invalid_grant"
    assert AccessToken.objects.filter(person=household.owner).count() == 1


def test_twenty_at_once_get_one_token(household: Household) -> None:
    device = start(new_client())
    tokens.approve_device(household.actor(), device["user_code"], household.slug)
    statuses = at_once(lambda: poll(new_client(), device).status_code, times=20)
    assert sorted(statuses) == [200] + [400] * 19
    assert AccessToken.objects.filter(person=household.owner).count() == 1


def test_polling_too_fast_is_slowed_down(client: Client) -> None:
    device = start(client)
    assert error(poll(client, device)) == "authorization_pending"
    noted = grant_of(device)
    assert noted.polled_at is not None
    later = noted.polled_at + timedelta(minutes=5)  # so that the next poll is too early however long it takes to come
    DeviceGrant.objects.filter(pk=noted.pk).update(polled_at=later)
    assert error(poll(client, device)) == "slow_down"
    assert grant_of(device).interval == device["interval"] + 5


def test_denied(client: Client) -> None:
    device = start(client)
    tokens.deny_device(device["user_code"])
    assert error(poll(client, device)) == "access_denied"


def test_expired(client: Client, household: Household) -> None:
    """Approved or not: after its time a code is worth nothing."""
    device = start(client)
    tokens.approve_device(household.actor(), device["user_code"], household.slug)
    DeviceGrant.objects.filter(pk=grant_of(device).pk).update(expires_at=Now() - timedelta(seconds=1))
    assert error(poll(client, device)) == "expired_token"


@pytest.mark.parametrize(
    ("fields", "status", "expected"),
    [
        ({"client_id": "somebody-else"}, 401, "invalid_client"),
        ({"client_id": None}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "unsupported_grant_type"),
        ({"device_code": None}, 400, "invalid_request"),
        ({"device_code": ""}, 400, "invalid_request"),
        ({"device_code": "guessed"}, 400, "invalid_grant"),
        ({"device_code": "nul\x00"}, 400, "invalid_grant"),
        ({"device_code": "x" * 9000}, 413, "invalid_request"),
    ],
)
def test_requests_out_of_form(fields: dict[str, str | None], status: int, expected: str, client: Client) -> None:
    full: dict[str, str | None] = {"client_id": CLIENT, "grant_type": DEVICE_GRANT, "device_code": "x", **fields}
    sent = {name: value for name, value in full.items() if value is not None}
    assert error(form(client, "/oauth/token", **sent), status) == expected


@pytest.mark.parametrize("path", ["/oauth/device/code", "/oauth/token", "/oauth/revoke"])
def test_only_forms_are_read(path: str, client: Client) -> None:
    body = f"client_id={CLIENT}"
    assert error(client.get(path)) == "invalid_request"
    assert error(client.post(path, {"client_id": CLIENT}, content_type="application/json")) == "invalid_request"
    assert error(client.post(path, {"client_id": CLIENT})) == "invalid_request"  # multipart
    assert error(client.post(path, f"{body}&{body}", content_type=FORM)) == "invalid_request"  # twice


@pytest.mark.parametrize("name", ["", "x" * 300, "line\nbreak", "\x1b[31mred"])
def test_whatever_the_device_calls_itself(name: str, client: Client) -> None:
    """A strange name is cut or refused; it never reaches the approval page as it came."""
    answer = form(client, "/oauth/device/code", client_id=CLIENT, device_name=name)
    if answer.status_code == 200:
        kept = grant_of(answer.json()).name
        assert kept.isprintable()
        assert 0 < len(kept) <= 100
    else:
        assert error(answer) == "invalid_request"


def test_the_name_is_called_as_it_is_at_the_door() -> None:
    with pytest.raises(Invalid) as refused:
        tokens.start_device(name="line\nbreak", address="")
    assert set(refused.value.fields) == {"device_name"}


def test_starting_is_limited_by_address(client: Client, settings: Settings) -> None:
    settings.RATES = {**settings.RATES, "device": "2/m"}
    answers = [form(client, "/oauth/device/code", client_id=CLIENT) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert error(answers[-1], 429) == "slow_down"
    assert int(answers[-1]["Retry-After"]) >= 1


def test_revoking_ends_a_token_at_once(caller: Caller) -> None:
    assert caller.get("/api/v1/me").status_code == 200
    for _ in range(2):  # the second time there is nothing left to revoke, and the answer is alike
        assert form(caller.client, "/oauth/revoke", client_id=CLIENT, token=caller.token or "").status_code == 200
    assert caller.get("/api/v1/me").status_code == 401


def test_revoking_what_is_no_token(client: Client) -> None:
    assert form(client, "/oauth/revoke", client_id=CLIENT, token="guess").status_code == 200
    assert form(client, "/oauth/revoke", client_id=CLIENT).status_code == 200


def test_a_suspended_tenant_lets_nobody_in_and_says_why(client: Client, household: Household) -> None:
    device = start(client)
    tokens.approve_device(household.actor(), device["user_code"], household.slug)
    suspended = {"state": "suspended", "state_reason": "The invoice is unpaid."}
    Tenant.objects.using("owner").filter(id=household.tenant.id).update(**suspended)
    answer = poll(client, device)
    assert answer.status_code == 403
    assert answer.json() == {
        "error": "access_denied",
        "error_description": "This tenant is suspended: The invoice is unpaid.",
    }
    Tenant.objects.using("owner").filter(id=household.tenant.id).update(state="active")
    assert poll(client, device).status_code == 200
