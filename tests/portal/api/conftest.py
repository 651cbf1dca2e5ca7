"""Callers of the API: people with access tokens, each from an address of their own."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from portal.api.access import tokens
from portal.tokens import Claims
from tenants.registry.due import database_now
from tenants.registry.models import AccessToken, Person
from tests.conftest import Household

Answer = Any  # Django's test response, whose json() is JSON


@dataclass(frozen=True)
class Caller:
    """One command line: its token (None: none), the tenant it asks about, its address."""

    client: Client
    slug: str
    token: str | None
    row: AccessToken

    def get(self, path: str, **query: str | int) -> Answer:
        return self.client.get(self.url(path), query, headers=self.headers())

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.client.post(
            self.url(path), body, content_type="application/json", headers={**self.headers(), **headers}
        )

    def url(self, path: str) -> str:
        return path if path.startswith("/") else f"/api/v1/tenants/{self.slug}/{path}"

    def headers(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}


NewCaller = Callable[..., Caller]


def new_client() -> Client:
    """Return a client at an address of its own, so that no test spends another's rate."""
    return Client(REMOTE_ADDR=f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(256)}")


def new_token(household: Household, person: Person | None = None, **changes: Any) -> AccessToken:
    expires = database_now() + timedelta(minutes=15)
    made = {"person": person or household.owner, "tenant": household.tenant, "name": "test", "expires_at": expires}
    return AccessToken.objects.create(**(made | changes))


def text_of(row: AccessToken) -> str:
    issued, expires = int(database_now().timestamp()), int(row.expires_at.timestamp())
    return tokens().issue(Claims(row.person_id, row.tenant_id, row.id, issued, expires))


@pytest.fixture(scope="session")
def new_caller() -> NewCaller:
    """Make a caller who is a person (the owner) of a household, and may ask about another one (`about`)."""

    def make(household: Household, person: Person | None = None, *, about: Household | None = None) -> Caller:
        row = new_token(household, person)
        return Caller(new_client(), (about or household).slug, text_of(row), row)

    return make


@pytest.fixture
def caller(household: Household, new_caller: NewCaller) -> Caller:
    """The owner of the household."""
    return new_caller(household)
