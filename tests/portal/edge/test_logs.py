"""Log lines: what is in them, and what must not be."""

from __future__ import annotations

import json
import logging

import pytest
from django.test import Client
from psycopg.errors import UniqueViolation

from tests.portal.edge.conftest import Lines

SECRET = "kittiwake"


def test_a_request_is_one_line_without_its_query(client: Client, lines: Lines) -> None:
    client.get(f"/docs/?token={SECRET}", headers={"Authorization": f"Bearer {SECRET}", "X-Anything": SECRET})
    (line,) = [json.loads(line) for line in lines.written if '"portal.requests"' in line]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/docs/", 200)
    assert SECRET not in "".join(lines.written)


@pytest.mark.parametrize("path", ["/nothing/", "/fails/bug", "/fails/suspicious", "/api/v1/nothing", "/account/"])
def test_what_was_sent_is_in_no_line(client: Client, lines: Lines, path: str) -> None:
    client.cookies["__Host-bulkhead"] = SECRET
    client.post(f"{path}?code={SECRET}", {"value": SECRET}, headers={"Referer": f"http://evil.example/{SECRET}"})
    client.get(f"{path}?code={SECRET}", headers={"Host": f"{SECRET}.example"})
    assert lines.written
    assert SECRET not in "".join(lines.written)


def fail() -> None:
    raise RuntimeError(SECRET) from UniqueViolation(f"Key (name)=({SECRET}) already exists")


def test_an_exceptions_message_and_its_causes_are_left_out(lines: Lines) -> None:
    try:
        fail()
    except RuntimeError:
        logging.getLogger("portal.test").exception("it failed")
    line = json.loads(lines.written[-1])
    assert line["error"]["because"]["kind"] == "psycopg.errors.UniqueViolation"
    assert line["error"]["sqlstate"] == "23505"
    assert SECRET not in lines.written[-1]


def test_a_library_that_formats_an_exception_into_its_message_does_not_get_it_in(lines: Lines) -> None:
    try:
        fail()
    except RuntimeError as error:
        logging.getLogger("celery.app.trace").exception("Task failed: %s", error)  # noqa: TRY401 - as Celery does it
    assert SECRET not in lines.written[-1]


@pytest.mark.parametrize("name", ["django.security.csrf", "social.backend", "httpx", "urllib3.connectionpool"])
def test_loggers_that_quote_requests_are_silenced(lines: Lines, name: str) -> None:
    logging.getLogger(name).error("GET http://x/?code=%s", SECRET)
    assert SECRET not in lines.written[-1]


def test_a_line_break_in_a_message_stays_in_its_line(lines: Lines) -> None:
    logging.getLogger("portal.test").warning("a\nb")
    assert "\n" not in lines.written[-1]
