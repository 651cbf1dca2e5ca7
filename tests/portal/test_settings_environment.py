"""Readers of the environment: what they return, what they refuse, and that no refusal quotes a value."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import environment

NAME = "BULKHEAD_UNDER_TEST"
SECRET = "kittiwake"
KEY = bytes(range(32))
USER = {"user": "a", "password": "b"}


def rate(name: str) -> str:
    return environment.rate(name, "20/m")


def number(name: str) -> int:
    return environment.integer(name, 5, minimum=1)


def mode(name: str) -> str:
    return environment.choice(name, "production", {"production", "demo"})


@pytest.mark.parametrize(
    ("read", "given", "read_as"),
    [
        (environment.text, "a b", "a b"),
        (environment.secret, "hush", "hush"),
        (environment.key, base64.b64encode(KEY).decode(), KEY),
        (environment.flag, "1", True),
        (environment.flag, "TRUE", True),
        (environment.flag, "0", False),
        (number, "7", 7),
        (environment.listing, " a, b ,,c ", ["a", "b", "c"]),
        (environment.listing, "", []),
        (mode, "demo", "demo"),
        (environment.origin, "https://bulkhead.example/", "https://bulkhead.example"),
        (environment.origin, "http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        (rate, "7/h", "7/h"),
        (
            environment.database,
            "postgresql://a:b@h:1/d",
            {"user": "a", "password": "b", "host": "h", "port": "1", "dbname": "d"},
        ),
    ],
)
def test_what_is_right_is_read(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[str], Any], given: str, read_as: object
) -> None:
    monkeypatch.setenv(NAME, given)
    assert read(NAME) == read_as


@pytest.mark.parametrize(
    ("read", "given", "says"),
    [
        (environment.key, SECRET, "must be base64"),
        (environment.key, base64.b64encode(KEY[:31]).decode(), "must hold at least 32 bytes"),
        (environment.key, "", "must hold at least 32 bytes"),
        (environment.flag, SECRET, "must be 1 or 0"),
        (number, SECRET, "must be a whole number"),
        (number, "0", "must be at least 1"),
        (mode, SECRET, "must be one of demo, production"),
        (environment.origin, f"https://bulkhead.example/{SECRET}", "must be an origin"),
        (environment.origin, f"https://{SECRET}@", "must be an origin"),
        (environment.origin, "ftp://bulkhead.example", "must be an origin"),
        (environment.origin, "bulkhead.example", "must be an origin"),
        (rate, SECRET, "must be a rate"),
        (rate, "0/m", "must be a rate"),
        (rate, "5/30s", "must be a rate"),
        (environment.database, f"postgresql://:{SECRET}@[", "no PostgreSQL connection URL"),
        (environment.database, SECRET, "no PostgreSQL connection URL"),
    ],
)
def test_what_is_wrong_is_named_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[str], Any], given: str, says: str
) -> None:
    monkeypatch.setenv(NAME, given)
    with pytest.raises(ImproperlyConfigured, match=NAME) as refused:
        read(NAME)
    assert says in str(refused.value)
    assert SECRET not in str(refused.value)
    quiet = refused.value.__context__ is None or refused.value.__suppress_context__
    assert quiet, "the cause would quote the value"


@pytest.mark.parametrize("read", [environment.text, environment.secret, environment.key, environment.origin])
def test_what_is_missing_is_named(read: Callable[[str], Any]) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} must be set"):
        read(NAME)


def test_a_secret_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("hush\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(path))
    assert environment.secret(NAME) == "hush"
    monkeypatch.setenv(NAME, "another")
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE are both set"):
        environment.secret(NAME)
    monkeypatch.delenv(NAME)
    path.unlink()
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE can't be read"):
        environment.secret(NAME)


def test_a_provider_needs_both_halves_of_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULKHEAD_ONE_CLIENT_ID", "id")
    monkeypatch.setenv("BULKHEAD_ONE_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("BULKHEAD_TWO_CLIENT_ID", "id")
    found = environment.credentials("one", "two", "three")
    assert list(found) == ["one"]
    assert SECRET not in repr(found)
