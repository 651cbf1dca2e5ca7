"""What a request begins with, before anybody is let in: a connection, a body to wait for, a limit that it uses up."""

from __future__ import annotations

import time
from dataclasses import replace
from io import BytesIO
from uuid import uuid4

import psycopg
import pytest
from django.db import ProgrammingError, connections
from django.db.models.functions import Now
from pytest_django import Settings

from portal.api.readings import Readings, _asked
from tenants.actions import repositories
from tenants.registry.models import AccessToken
from tests.conftest import Household
from tests.portal.api.conftest import Caller, NewCaller, new_client, new_token, text_of
from tests.portal.api.reading import Portal, ask, environ


class Unsent(BytesIO):
    """A body that is announced and never comes."""

    def read(self, *_: object) -> bytes:
        raise AssertionError("somebody waits for it")


@pytest.mark.parametrize("token", [None, "Bearer nothing"])
def test_nobody_waits_for_a_strangers_body(token: str | None, caller: Caller) -> None:
    """A few of them would keep all threads busy."""
    made = {**environ(caller, HTTP_AUTHORIZATION=token), "wsgi.input": Unsent(b"{}")}
    assert ask(Readings(Portal()), made).status.startswith("401")


def test_a_connection_that_came_of_age_is_not_used(
    household: Household, caller: Caller, administrator: psycopg.Connection
) -> None:
    """What is between may have let go of it, and the server may be another one by now."""
    with household.enter() as inside:
        repositories.create_repository(inside, name="acme/api", url="", labels=[])
    readings, connection = Readings(Portal()), connections["default"]
    assert ask(readings, environ(caller)).status == "200 OK"
    administrator.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.connection.info.backend_pid])
    connection.close_at = time.monotonic()
    assert ask(readings, environ(caller)).status == "200 OK"


def test_a_token_that_was_revoked_uses_up_nobodys_limit(
    household: Household, new_caller: NewCaller, settings: Settings
) -> None:
    """Else whoever stole it would keep its person out, from wherever it is tried."""
    settings.RATES = {**settings.RATES, "api": "2/m"}
    stolen, own = new_caller(household), new_caller(household)
    AccessToken.objects.filter(id=stolen.row.id).update(revoked_at=Now())
    assert [replace(stolen, client=new_client()).get("/api/v1/me").status_code for _ in range(5)] == [401] * 5
    assert own.get("/api/v1/me").status_code == 200
    assert [stolen.get("/api/v1/me").status_code for _ in range(3)] == [401, 401, 429]


def test_a_build_uses_up_its_own_limit(household: Household, new_caller: NewCaller, settings: Settings) -> None:
    """Its first use is its person's: only the row says that it is a build's. Then what it runs keeps nobody out."""
    settings.RATES = {**settings.RATES, "api": "2/m"}
    own, row = new_caller(household), new_token(household, build_id=uuid4())
    build = replace(own, client=new_client(), row=row, token=text_of(row))
    assert [build.get("/api/v1/me").status_code for _ in range(4)] == [403, 403, 403, 429]
    assert own.get("/api/v1/me").status_code == 200


def test_another_token_of_the_same_person_is_no_other_account(
    household: Household, new_caller: NewCaller, settings: Settings
) -> None:
    settings.RATES = {**settings.RATES, "previews": "2/m"}
    callers = [new_caller(household) for _ in range(3)]
    answers = [each.post("parameters/reach", {"filters": []}).status_code for each in callers]
    assert answers == [200, 200, 429]


def test_whoever_goes_alone_after_the_others_is_counted_once(
    household: Household, caller: Caller, settings: Settings
) -> None:
    """What fails for several together is tried for each: the same request, and no other."""
    with household.enter() as inside:
        repositories.create_repository(inside, name="acme/api", url="", labels=[])
    schema = household.tenant.schema
    with connections["provisioner"].cursor() as cursor:
        cursor.execute(f"REVOKE INSERT (entry) ON {schema}.audit FROM {schema}")
    settings.RATES = {**settings.RATES, "api": "2/m"}
    readings = Readings(Portal())
    several = [asked for _ in range(2) if (asked := _asked(environ(caller), readings.bearer.body))]
    assert len(several) == 2
    for each in (several, several[:1], several[1:]):
        with pytest.raises(ProgrammingError):
            readings._find(each)
