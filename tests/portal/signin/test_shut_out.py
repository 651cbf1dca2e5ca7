"""“That wasn't me”: a displaced browser ends all that acts for its person."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import transaction

from portal.signin import sessions
from tenants.actions import tokens
from tenants.actions.tokens import Redemption
from tenants.registry.models import AccessToken, DeviceGrant, Displaced, Person
from tests.conftest import Household, NewPerson, at_once
from tests.portal.signin.conftest import NewBrowser
from tests.portal.signin.test_sessions import begun, is_signed_in


def test_that_was_not_me_freezes_the_tokens_and_needs_the_old_handle(new_browser: NewBrowser) -> None:
    old, new, stranger = new_browser(), new_browser(), new_browser()
    Person.objects.filter(provider="github", uid="1001").update(tokens_frozen_at=None)
    old.sign_in()
    new.sign_in()
    page = stranger.get("/sign-in/")
    form = dict(re.findall(r'name="(csrfmiddlewaretoken)" value="([^"]+)"', page.text))
    assert stranger.post("/session/displaced/", form).headers["Location"] == "/sign-in/"
    assert Person.objects.get(provider="github", uid="1001").tokens_frozen_at is None
    assert old.post("/session/displaced/").status_code == 403, "a form of ours it must be"
    assert old.press(old.get("/session/displaced/"), "/session/displaced/").status_code == 200
    assert Person.objects.get(provider="github", uid="1001").tokens_frozen_at is not None


def test_that_was_not_me_signs_the_intruder_out(new_browser: NewBrowser) -> None:
    old, intruder = new_browser(), new_browser()
    old.sign_in()
    intruder.sign_in()
    done = old.press(old.get("/session/displaced/"), "/session/displaced/")
    assert "Nobody is signed in as you" in done.text
    assert not is_signed_in(intruder)
    assert intruder.get("/device/").headers["Location"].startswith("/sign-in/")
    old.sign_in()
    assert is_signed_in(old)


def test_that_was_not_me_denies_what_was_approved(household: Household) -> None:
    theirs, others = (tokens.start_device(name=name, address="192.0.2.7") for name in ("theirs", "somebody's"))
    tokens.approve_device(household.actor(), theirs.user_code, household.slug)
    sessions.shut_out(displaced_by_another(household.owner))
    # Denied in its own row, not only by the age of the freeze.
    Person.objects.filter(pk=household.owner.pk).update(tokens_frozen_at=None)
    assert tokens.redeem_device(theirs.device_code, address="192.0.2.7") is Redemption.DENIED
    assert tokens.redeem_device(others.device_code, address="192.0.2.7") is Redemption.PENDING


def test_an_approval_under_way_while_it_is_said_is_taken_back(household: Household) -> None:
    grant = tokens.start_device(name="theirs", address="192.0.2.7")
    note = displaced_by_another(household.owner)
    intruder = begun(household.owner)

    with ThreadPoolExecutor(1) as pool:
        with intruder.held() as live:
            assert live
            said = pool.submit(at_once, partial(sessions.shut_out, note), times=1)
            with pytest.raises(TimeoutError):
                said.result(timeout=0.5)
            tokens.approve_device(household.actor(), grant.user_code, household.slug)
        said.result(timeout=60)
    Person.objects.filter(pk=household.owner.pk).update(tokens_frozen_at=None)
    assert tokens.redeem_device(grant.device_code, address="192.0.2.7") is Redemption.DENIED
    with intruder.held() as live:
        assert not live


def test_a_token_issued_while_it_is_said_is_frozen_too(household: Household) -> None:
    grant = tokens.start_device(name="theirs", address="192.0.2.7")
    tokens.approve_device(household.actor(), grant.user_code, household.slug)
    note = displaced_by_another(household.owner)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            DeviceGrant.objects.select_for_update().get(person=household.owner)  # as redeeming begins
            said = pool.submit(at_once, partial(sessions.shut_out, note), times=1)
            with pytest.raises(TimeoutError):
                said.result(timeout=0.5)
            token = tokens.redeem_device(grant.device_code, address="192.0.2.7")
        said.result(timeout=60)
    assert isinstance(token, AccessToken)
    assert tokens.use_tokens([(token.id, "192.0.2.7")]) == [None]


def test_a_note_speaks_once(new_person: NewPerson) -> None:
    """Who was displaced by "that wasn't me" must not end the person's sessions again and again."""
    note = displaced_by_another(new_person())
    sessions.shut_out(note)
    assert not Displaced.objects.filter(handle_digest=note.handle_digest).exists()


def displaced_by_another(person: Person) -> Displaced:
    """Return the note of a browser whose session an intruder's has replaced."""
    handle = begun(person).session_key or ""
    begun(person)
    note = sessions.displaced(handle)
    assert note is not None
    return note
