"""The secrets behind sessions, tokens and database passwords change, and nobody is thrown out."""

from __future__ import annotations

import time
import uuid
from itertools import pairwise

import pytest
from django.conf import settings
from django.test import override_settings

from portal import epochs
from portal.signin import sealing
from portal.signin.sessions import ABSOLUTE
from portal.tokens import BadToken, Claims, Tokens
from tenants.actions.builds import MAX_TTL
from tenants.actions.tokens import TOKEN_SECONDS
from tenants.databases.base import close_compartments
from tenants.records.models import Repository
from tests.conftest import Household

SECRET, NEXT = bytes(range(32)), bytes(range(32, 64))
DAY = 86_400
FORTNIGHT = 14 * DAY
LONGEST = MAX_TTL  # that a build's token lives; sessions and people's tokens live for less
START = 100 * FORTNIGHT
ISSUER = "http://127.0.0.1:8000"


def keys(now: float, *secrets: bytes, use: str = "tokens") -> tuple[bytes, ...]:
    first, *former = secrets or (SECRET,)
    return epochs.keys(use, first, former, now)


def test_a_period_has_one_key_and_the_next_another() -> None:
    issuing = [keys(START + number * DAY)[0] for number in range(28)]
    assert len(set(issuing[:14])) == len(set(issuing[14:])) == 1
    assert issuing[0] != issuing[14]
    assert keys(START, use="sessions")[0] != issuing[0]
    assert keys(START)[0] == keys(START + FORTNIGHT - 1)[0] != SECRET


@pytest.mark.parametrize("age", [0, 1, 3600, LONGEST])
def test_whatever_still_lives_is_accepted(age: int) -> None:
    for issued in range(START - LONGEST, START + LONGEST, 1800):
        assert keys(issued)[0] in keys(issued + age)


def test_the_shortest_period_covers_the_longest_life_with_clocks_apart() -> None:
    """Issued at the end of a day by a clock that is behind, and checked a day later by one that is ahead."""
    assert max(MAX_TTL, TOKEN_SECONDS, ABSOLUTE.total_seconds()) <= epochs.LONGEST_SECONDS
    with override_settings(KEY_ROTATION_DAYS=1):
        issued = START + DAY - 1
        assert keys(issued)[0] in keys(issued + LONGEST + epochs.AHEAD_SECONDS)
        assert keys(issued)[0] not in keys(issued + LONGEST + 2 * epochs.AHEAD_SECONDS)


def test_after_two_periods_a_key_is_refused() -> None:
    assert keys(START)[0] in keys(START + 2 * FORTNIGHT - epochs.AHEAD_SECONDS - 1)
    assert keys(START)[0] not in keys(START + 2 * FORTNIGHT)


def test_a_clock_that_is_a_little_ahead_issues_what_others_accept() -> None:
    behind, ahead = START - 1, START + epochs.AHEAD_SECONDS - 2
    assert keys(ahead)[0] != keys(behind)[0]
    assert keys(ahead)[0] in keys(behind)
    assert keys(behind)[0] in keys(ahead)


def test_a_token_outlives_the_period_in_which_it_was_issued() -> None:
    claims = Claims(uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), START - 60, START - 60 + LONGEST)
    token = Tokens(keys(START - 60), ISSUER).issue(claims)
    assert Tokens(keys(START + 60), ISSUER).verify(token, START + 60) == claims
    with pytest.raises(BadToken):
        Tokens(keys(START + 3 * FORTNIGHT), ISSUER).verify(token, START + 60)


def test_a_replaced_secret_is_honoured_while_it_is_named() -> None:
    claims = Claims(uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), START, START + LONGEST)
    token = Tokens(keys(START), ISSUER).issue(claims)
    assert Tokens(keys(START, NEXT, SECRET), ISSUER).verify(token, START) == claims
    with pytest.raises(BadToken):
        Tokens(keys(START, NEXT), ISSUER).verify(token, START)
    assert Tokens(keys(START, NEXT, SECRET), ISSUER).issue(claims).partition(".")[0] != token.partition(".")[0]


def test_a_session_opens_in_the_next_period_and_under_the_replaced_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    handle, now = sealing.new_handle(), time.time()
    sealed = sealing.seal("session", handle, {"step": 1})

    def opened() -> object:
        return sealing.unseal("session", handle, sealed)

    with override_settings(SESSION_SECRET=NEXT, SESSION_SECRET_FALLBACKS=[settings.SESSION_SECRET]):
        assert opened() == {"step": 1}
    with override_settings(SESSION_SECRET=NEXT, SESSION_SECRET_FALLBACKS=[]):
        assert opened() is None
    for later, payload in ((now + FORTNIGHT, {"step": 1}), (now + 2 * FORTNIGHT, None)):
        with monkeypatch.context() as patched:
            patched.setattr(time, "time", lambda later=later: later)
            assert opened() == payload


def test_the_database_secret_is_replaced_with_overlap(household: Household) -> None:
    def visit() -> None:
        close_compartments()
        with household.enter():
            assert Repository.objects.count() == 0

    with override_settings(DATABASE_SECRET=NEXT, DATABASE_SECRET_FALLBACKS=[settings.DATABASE_SECRET]):
        visit()
    visit()
    close_compartments()


def test_lengths_of_a_period_share_no_key() -> None:
    found = []
    for days in (1, 7, 14):
        with override_settings(KEY_ROTATION_DAYS=days):
            found.append(keys(0)[0])
    assert all(one != other for one, other in pairwise(found))
