"""Readings of one tenant that come at one time: one statement and one commit, and to each what is its own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import pytest
from django.db import connections
from django.db.models.functions import Now
from joserfc import jwe
from joserfc.jwk import OKPKey
from psycopg import sql

from portal.api.readings import Readings
from tenants.actions import parameters, repositories
from tenants.databases.base import close_compartments
from tenants.databases.settings import DATABASE
from tenants.errors import Refused
from tenants.registry.models import AccessToken, TenantLimits
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.api.conftest import Caller, NewCaller
from tests.portal.api.reading import Answer, Portal, ask, environ

PATIENCE: Final = 60  # seconds
_ENTRIES: Final = """
SELECT entry, xmin::text FROM {}.audit WHERE entry::jsonb->>'action' = 'parameters.revealed' ORDER BY position"""


@pytest.fixture
def stocked(household: Household) -> Household:
    furnish(household)
    return household


def furnish(household: Household) -> None:
    with household.enter() as inside:
        for name in ("blue", "red"):
            repositories.create_repository(inside, name=name, url="", labels=[("team", name)])
            made = parameters.create_set(inside, name=name, description="", filters=[[("team", name)]])
            parameters.set_parameter(inside, made.id, name="SECRET", value=f"{name} of {household.slug}")


@pytest.fixture
def readings() -> Readings:
    return Readings(Portal())


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no asker give up on the log before all of a test's have come: on a busy machine that takes a while."""
    for setting in ("lock_timeout", "statement_timeout"):
        monkeypatch.setitem(DATABASE, setting, f"{PATIENCE}s")


@contextmanager
def held_up(administrator: psycopg.Connection, household: Household) -> Iterator[None]:
    """Keep everybody from writing into the tenant's log meanwhile."""
    head = sql.SQL("SELECT FROM {}.audit_head FOR UPDATE").format(sql.Identifier(household.tenant.schema))
    with administrator.transaction():
        administrator.execute(head)
        yield


class Crowd:
    """Askers in threads of their own, each with a key of its own."""

    def __init__(self, readings: Readings, threads: ThreadPoolExecutor) -> None:
        self.readings, self.threads = readings, threads
        self.keys: list[OKPKey] = []
        self.answers: list[Future[Answer]] = []

    def ask(self, caller: Caller, repository: str) -> Future[Answer]:
        key = OKPKey.generate_key("X25519")
        made = environ(caller, repository, {"key": key.as_dict(private=False)})
        self.keys.append(key)
        self.answers.append(self.threads.submit(self._ask, made))
        return self.answers[-1]

    def _ask(self, made: dict[str, Any]) -> Answer:
        try:
            return ask(self.readings, made)
        finally:
            close_compartments()
            connections.close_all()

    def wait_for(self, waiting: int) -> None:
        """Wait until so many wait for somebody who asks."""
        together = self.readings.together
        while [len(each) for each in list(together._waiting.values())] != [waiting]:
            assert not any(answer.done() for answer in self.answers), [answer.result() for answer in self.answers]
            time.sleep(0.001)

    def said(self) -> list[tuple[str, Any]]:
        """Return the status of each answer, with the values that its asker's key opens."""
        both = zip(self.answers, self.keys, strict=True)
        return [(answer.result(PATIENCE).status[:3], opened(answer.result(), key)) for answer, key in both]


def opened(answer: Answer, key: OKPKey) -> Any:
    body = json.loads(answer.content)
    if "jwe" not in body:
        return None
    return json.loads(jwe.decrypt_compact(body["jwe"], key, algorithms=["ECDH-ES", "A256GCM"]).plaintext or b"")[
        "values"
    ]


def entries(administrator: psycopg.Connection, household: Household) -> tuple[list[dict[str, Any]], int]:
    """Return what the log says of readings, and in how many transactions that was written."""
    rows = administrator.execute(sql.SQL(_ENTRIES).format(sql.Identifier(household.tenant.schema))).fetchall()
    return [json.loads(entry) for entry, _ in rows], len({transaction for _, transaction in rows})


def test_each_hears_its_own_and_the_log_says_so_in_one_commit(
    stocked: Household,
    new_caller: NewCaller,
    new_person: NewPerson,
    readings: Readings,
    administrator: psycopg.Connection,
) -> None:
    owner, member = new_caller(stocked), new_caller(stocked, stocked.join(new_person(), Role.OWNER))
    auditor, revoked = new_caller(stocked, stocked.join(new_person(), Role.AUDITOR)), new_caller(stocked)
    AccessToken.objects.filter(id=revoked.row.id).update(revoked_at=Now())
    with ThreadPoolExecutor(7) as threads:
        crowd = Crowd(readings, threads)
        with held_up(administrator, stocked):
            crowd.ask(owner, "blue")
            crowd.wait_for(0)
            for caller, repository in [
                (member, "red"),
                (auditor, "red"),
                (owner, "blue"),
                (revoked, "blue"),
                (owner, "nothing"),
                (member, "blue"),
            ]:
                crowd.ask(caller, repository)
            crowd.wait_for(6)
        said = crowd.said()
    blue, red = ({"SECRET": f"{name} of {stocked.slug}"} for name in ("blue", "red"))
    expected = [("200", blue), ("200", red), ("403", None), ("200", blue), ("401", None), ("404", None), ("200", blue)]
    assert said == expected
    acts, transactions = entries(administrator, stocked)
    assert transactions == 2
    # In the order in which they came to wait, which is the threads' own.
    assert sorted((act["token"], act["address"], act["subject"], *act["detail"]["names"]) for act in acts) == sorted(
        (str(caller.row.id), caller.client.defaults["REMOTE_ADDR"], repository, "SECRET")
        for caller, repository in [(owner, "blue"), (member, "red"), (owner, "blue"), (member, "blue")]
    )
    assert readings.together._waiting == {}


def test_a_tenant_that_is_held_up_holds_up_no_other(
    stocked: Household,
    neighbour: Household,
    new_caller: NewCaller,
    readings: Readings,
    administrator: psycopg.Connection,
) -> None:
    furnish(neighbour)
    with ThreadPoolExecutor(3) as threads:
        crowd = Crowd(readings, threads)
        with held_up(administrator, stocked):
            waiting = [crowd.ask(new_caller(stocked), "blue") for _ in range(2)]
            assert crowd.ask(new_caller(neighbour), "blue").result(PATIENCE).status == "200 OK"
            assert not any(answer.done() for answer in waiting)
        values = [values["SECRET"] for _, values in crowd.said()]
    assert values == [f"blue of {house.slug}" for house in (stocked, stocked, neighbour)]


def test_nothing_leaves_for_anybody_when_the_log_can_not_be_written(
    stocked: Household, new_caller: NewCaller, readings: Readings, administrator: psycopg.Connection
) -> None:
    schema = stocked.tenant.schema
    with ThreadPoolExecutor(4) as threads:
        crowd = Crowd(readings, threads)
        with held_up(administrator, stocked):
            crowd.ask(new_caller(stocked), "blue")
            crowd.wait_for(0)
            for _ in range(3):
                crowd.ask(new_caller(stocked), "blue")
            crowd.wait_for(3)
            administrator.execute(sql.SQL("REVOKE INSERT (entry) ON {0}.audit FROM {0}").format(sql.Identifier(schema)))
        _, *said = crowd.said()  # the first one's right was looked at before
    assert said == [("500", None)] * 3


@pytest.mark.usefixtures("one_day")
@pytest.mark.parametrize("allowed", [0, 3])
def test_a_limit_is_held_to_the_last_one(
    allowed: int, stocked: Household, new_caller: NewCaller, readings: Readings, administrator: psycopg.Connection
) -> None:
    TenantLimits.objects.using("owner").create(tenant=stocked.tenant, reads_a_day=allowed)
    with ThreadPoolExecutor(5) as threads:
        crowd = Crowd(readings, threads)
        with held_up(administrator, stocked):
            crowd.ask(new_caller(stocked), "blue")
            for _ in range(4):
                crowd.ask(new_caller(stocked), "blue")
        statuses = [status for status, _ in crowd.said()]
    assert sorted(statuses) == ["200"] * allowed + ["429"] * (5 - allowed)
    acts, _ = entries(administrator, stocked)
    assert len(acts) == allowed


def test_who_may_not_read_finds_nothing_for_the_others_either(stocked: Household, new_person: NewPerson) -> None:
    """The door has asked before; here it is asked of each once more."""
    auditor = stocked.join(new_person(), Role.AUDITOR)
    with stocked.enter() as inside, stocked.enter(auditor) as looking_on, pytest.raises(Refused):
        parameters.find_environments([(inside, "blue"), (looking_on, "blue")])
