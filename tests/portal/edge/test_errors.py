"""What a failure looks like: plain words outside, the incident there and in the log, secrets in neither."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from tests.portal.edge.conftest import Lines
from tests.portal.edge.doors import FAILURES, SECRET

TECHNICAL = ("Traceback", "Error(", "/portal/", ".py", "OperationalError", "psycopg", "redis", SECRET)


@pytest.mark.parametrize(("name", "status"), [(name, status) for name, (_, status) in FAILURES.items()])
def test_pages_say_it_in_plain_words(client: Client, lines: Lines, name: str, status: int) -> None:
    response = client.get(f"/fails/{name}")
    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    page = response.content.decode()
    assert "<h1>" in page
    assert not [word for word in TECHNICAL if word in page]
    assert SECRET not in "".join(lines.written)


@pytest.mark.parametrize(("name", "status"), [(name, status) for name, (_, status) in FAILURES.items()])
def test_the_api_gets_one_shape(client: Client, name: str, status: int) -> None:
    response = client.get(f"/api/fails/{name}")
    error = response.json()["error"]
    assert response.status_code == status
    assert set(error) == {"code", "message", "fields", "incident"}
    assert (error["incident"] is not None) == (status >= 500)
    assert not [word for word in TECHNICAL if word in response.content.decode()]


@pytest.mark.parametrize("name", [name for name, (_, status) in FAILURES.items() if status >= 500])
def test_the_incident_finds_its_log_line(client: Client, lines: Lines, name: str) -> None:
    incident = client.get(f"/api/fails/{name}").json()["error"]["incident"]
    found = [json.loads(line) for line in lines.written if incident in line]
    failed = [line for line in found if "error" in line]
    assert len(failed) == 1
    assert type(FAILURES[name][0]).__name__ in failed[0]["error"]["kind"]
    assert any("doors.py" in place for place in failed[0]["error"]["through"])
    assert incident in client.get(f"/fails/{name}").content.decode() or incident


def test_the_page_shows_the_incident(client: Client, lines: Lines) -> None:
    page = client.get("/fails/bug").content.decode()
    incidents = {json.loads(line)["incident"] for line in lines.written if "error" in json.loads(line)}
    assert len(incidents) == 1
    assert incidents.pop() in page


def test_what_is_wrong_with_the_fields_is_said(client: Client) -> None:
    error = client.get("/api/fails/invalid").json()["error"]
    assert error["fields"] == {"name": "Give it a name of 1 to 100 characters."}
    assert "1 to 100 characters" in client.get("/fails/invalid").content.decode()


def test_reasons_for_customers_are_shown(client: Client) -> None:
    assert "The invoice is unpaid." in client.get("/fails/suspended").content.decode()
    assert "parameters:write" in client.get("/fails/refused").content.decode()


def test_how_long_to_wait_is_said(client: Client) -> None:
    assert client.get("/fails/toomany")["Retry-After"] == "17"
    assert client.get("/fails/database")["Retry-After"] == "5"


def test_another_method_gets_a_page_and_the_right_ones(client: Client) -> None:
    response = client.get("/takes-forms")
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert b"<h1>" in response.content


@pytest.mark.parametrize(
    ("form", "status"),
    [({"a": "x" * 1_100_000}, 413), ({f"f{number}": "" for number in range(600)}, 400), ({"a": "b"}, 200)],
)
def test_forms_are_bounded(client: Client, form: dict[str, str], status: int) -> None:
    body = "&".join(f"{name}={value}" for name, value in form.items())
    response = client.post("/takes-forms", body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == status


def test_a_form_without_its_token_is_refused_in_plain_words(address: str) -> None:
    client = Client(enforce_csrf_checks=True, REMOTE_ADDR=address)
    response = client.post("/sign-out/")
    assert response.status_code == 403
    assert "CSRF" not in response.content.decode()
    assert "Load the page anew" in response.content.decode()
