"""Every response carries the headers: pages, redirects, refusals, failures, static files, the API."""

from __future__ import annotations

import re
from typing import Final

import httpx
import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.test import Client

from portal.middleware import HEADERS
from tests.portal.edge.doors import FAILURES

PATIENCE: Final = 30  # seconds
ANSWERS = [
    ("GET", "/", 200),
    ("GET", "/sign-in/", 200),
    ("HEAD", "/sign-in/", 200),
    ("GET", "/docs", 301),
    ("GET", "/account/", 302),
    ("GET", "/t/nobody/", 302),
    ("POST", "/account/", 403),
    ("GET", "/sign-in/github/begin/", 405),
    ("OPTIONS", "/sign-in/", 405),
    ("GET", "/nothing/", 404),
    ("GET", "/static/nothing.css", 404),
    ("GET", "/health/live", 200),
    ("GET", "/health/ready", 200),
    ("GET", "/api/v1/openapi.json", 200),
    ("GET", "/api/v1/nothing", 404),
    ("GET", "/api/v1/tenants/nobody/repositories", 401),
    ("POST", "/oauth/token", 400),
]


def check(headers: httpx.Headers | dict[str, str]) -> None:
    for name, value in HEADERS.items():
        assert headers[name] == value, name
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert not re.search("unsafe|data:|blob:|https:(?!//)|\\*", policy)


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_is_guarded_and_not_stored(portal_url: str, method: str, path: str, status: int) -> None:
    response = httpx.request(method, portal_url + path, timeout=PATIENCE)
    assert response.status_code == status
    check(response.headers)
    assert response.headers["Cache-Control"] == "no-store"


def test_static_files_are_guarded_and_stored(portal_url: str) -> None:
    response = httpx.get(portal_url + staticfiles_storage.url("bulkhead.css"), timeout=PATIENCE)
    assert response.status_code == 200
    check(response.headers)
    assert "max-age" in response.headers["Cache-Control"]
    assert "no-store" not in response.headers["Cache-Control"]


@pytest.mark.parametrize("prefix", ["/", "/api/"])
@pytest.mark.parametrize("name", FAILURES)
def test_failures_are_guarded_too(client: Client, prefix: str, name: str) -> None:
    response = client.get(f"{prefix}fails/{name}")
    check(dict(response.items()))
    assert response["Cache-Control"] == "no-store"


def test_a_foreign_host_is_refused_with_the_headers(portal_url: str) -> None:
    response = httpx.get(portal_url, headers={"Host": "evil.example"}, timeout=PATIENCE)
    assert response.status_code == 400
    assert "evil.example" not in response.text
    check(response.headers)


def test_forms_may_lead_to_the_providers_and_nowhere_else(portal_url: str, identity_url: str) -> None:
    policy = httpx.get(portal_url, timeout=PATIENCE).headers["Content-Security-Policy"]
    directive = next(part.strip() for part in policy.split(";") if part.strip().startswith("form-action"))
    assert directive == f"form-action 'self' {identity_url}"


def test_no_page_has_anything_inline(portal_url: str) -> None:
    for path in ("/", "/sign-in/", "/docs/", "/nothing/"):
        page = httpx.get(portal_url + path, timeout=PATIENCE).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page), path
