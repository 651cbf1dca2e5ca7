"""Browsers without scripts, signed in, at the portal's pages."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import resolve

from portal.signin import sessions
from portal.signin.sessions import SessionStore
from tenants.actions import parameters, repositories
from tenants.registry.models import Person
from tests.conftest import Household

Answer = Any  # Django's test response


@dataclass(frozen=True)
class Visitor:
    """Somebody's browser, most often inside one tenant; `name` is a URL's name."""

    client: Client
    slug: str = ""

    def get(self, path: str = "", **query: str) -> Answer:
        return self.client.get(self.at(path), query)

    def post(self, path: str, **form: object) -> Answer:
        return self.client.post(self.at(path), form)

    def fill_in(self, path: str, **form: str) -> Answer:
        """Send the form of the page at `path` in the encoding that the page asks a browser for."""
        if 'enctype="multipart/form-data"' in self.get(path).content.decode():
            return self.post(path, **form)
        return self.client.post(self.at(path), urlencode(form), content_type="application/x-www-form-urlencoded")

    def at(self, path: str) -> str:
        return path if path.startswith("/") else f"/t/{self.slug}/{path}"

    def after(self, answer: Answer) -> str:
        """Return the text of the page that an act leads to."""
        assert answer.status_code == 302, text(answer)
        return text(self.client.get(answer.headers["Location"]))


NewVisitor = Callable[..., Visitor]


@pytest.fixture(scope="session")
def visit() -> NewVisitor:
    """Open the browser of a person (None: nobody in particular), inside a household."""

    def visit(household: Household | None = None, person: Person | None = None) -> Visitor:
        client = Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)
        who = person or (household.owner if household else None)
        if who is not None:
            client.cookies[sessions.COOKIE] = _signed_in(who)
        return Visitor(client, household.slug if household else "")

    return visit


@pytest.fixture
def owner(household: Household, visit: NewVisitor) -> Visitor:
    return visit(household)


@pytest.fixture
def deploy(household: Household) -> uuid.UUID:
    """A set for one of two repositories."""
    with household.enter() as inside:
        repositories.create_repository(inside, name="core", url="", labels=[("os", "linux"), ("team", "core")])
        repositories.create_repository(inside, name="docs", url="", labels=[("team", "docs")])
        made = parameters.create_set(inside, name="deploy", description="", filters=[[("team", "core")]])
    return made.id


def text(answer: Answer) -> str:
    """Return the words of a page, as they are read."""
    content = re.sub(r"<(head|svg)\b.*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", content)).split())


def url_name(answer: Answer) -> str | None:
    """Return the name of the address that a redirect leads to."""
    return resolve(answer.headers["Location"].partition("?")[0]).url_name


def _signed_in(person: Person) -> str:
    store = SessionStore()
    store.begin(person, "192.0.2.1", "Firefox on Linux")
    store.save()
    return str(store.session_key)
