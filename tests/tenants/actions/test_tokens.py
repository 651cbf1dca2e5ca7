"""Device authorization (RFC 8628) and the rows that every use of a token is checked against."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from uuid import UUID

import pytest
from django.db.models import F
from django.db.models.functions import Now

from tenants.actions import members, tokens
from tenants.actions.tokens import Redemption
from tenants.errors import Invalid, NotFound
from tenants.records.models import AuditRow
from tenants.registry.models import AccessToken, DeviceGrant, Person
from tenants.registry.passes import Pass
from tenants.roles import Role
from tests.conftest import Household, NewPerson, at_once
from tests.tenants.test_round_trips import counted


def redeemed(household: Household) -> AccessToken:
    started = tokens.start_device(name="laptop", address="192.0.2.7")
    tokens.approve_device(household.actor(), started.user_code, household.slug)
    token = tokens.redeem_device(started.device_code, address="192.0.2.7")
    assert isinstance(token, AccessToken)
    return token


def test_an_approved_device_gets_one_token(household: Household) -> None:
    started = tokens.start_device(name="laptop", address="192.0.2.7")
    assert tokens.redeem_device(started.device_code, address="") == Redemption.PENDING
    typed = f" {started.user_code[:4].lower()}-{started.user_code[4:]} "
    assert tokens.find_device(typed).name == "laptop"
    tokens.approve_device(household.actor(), typed, household.slug)
    token = tokens.redeem_device(started.device_code, address="192.0.2.7")
    assert isinstance(token, AccessToken)
    assert (token.person, token.tenant) == (household.owner, household.tenant)
    assert tokens.redeem_device(started.device_code, address="") == Redemption.INVALID


def test_no_code_is_stored(household: Household) -> None:
    started = tokens.start_device(name="laptop", address="")
    grant = tokens.find_device(started.user_code)
    stored = bytes(grant.device_digest) + bytes(grant.user_digest)
    assert started.device_code.encode() not in stored
    assert started.user_code.encode() not in stored
    assert started.user_code not in repr(started)


def test_a_denied_device_gets_nothing(household: Household) -> None:
    started = tokens.start_device(name="laptop", address="")
    tokens.deny_device(started.user_code)
    assert tokens.redeem_device(started.device_code, address="") == Redemption.DENIED
    with pytest.raises(Invalid, match="user_code"):
        tokens.approve_device(household.actor(), started.user_code, household.slug)


def test_an_expired_grant_is_worth_nothing(household: Household) -> None:
    started = tokens.start_device(name="laptop", address="")
    DeviceGrant.objects.filter(device_digest=tokens._digest(started.device_code)).update(expires_at=Now())
    assert tokens.redeem_device(started.device_code, address="") == Redemption.EXPIRED
    with pytest.raises(Invalid, match="user_code"):
        tokens.find_device(started.user_code)


def test_polling_too_fast_slows_down() -> None:
    started = tokens.start_device(name="laptop", address="")
    assert tokens.redeem_device(started.device_code, address="") == Redemption.PENDING
    assert tokens.redeem_device(started.device_code, address="") == Redemption.SLOW_DOWN
    DeviceGrant.objects.update(polled_at=F("polled_at") - timedelta(seconds=60))
    assert tokens.redeem_device(started.device_code, address="") == Redemption.PENDING


@pytest.mark.parametrize("code", ["", "x" * 43, "\x00"])
def test_a_made_up_device_code_is_invalid(code: str) -> None:
    assert tokens.redeem_device(code, address="") == Redemption.INVALID


def test_a_tenant_that_is_not_theirs_can_not_be_approved(household: Household, neighbour: Household) -> None:
    started = tokens.start_device(name="laptop", address="")
    with pytest.raises(NotFound):
        tokens.approve_device(household.actor(), started.user_code, neighbour.slug)
    assert tokens.redeem_device(started.device_code, address="") == Redemption.PENDING


def use(token_id: UUID, address: str = "") -> Pass | None:
    [held] = tokens.use_tokens([(token_id, address)])
    return held


def test_several_uses_are_each_their_own(household: Household, neighbour: Household) -> None:
    """In one statement, in the order of the uses, also where a token comes twice from two places."""
    one, other, unknown = redeemed(household), redeemed(neighbour), uuid.uuid4()
    asked = [(other.id, "192.0.2.1"), (unknown, ""), (one.id, "192.0.2.2"), (other.id, "192.0.2.3")]
    with counted("default") as sent:
        found = tokens.use_tokens(asked)
    assert [held and (held.tenant.slug, held.actor.address) for held in found] == [
        (neighbour.slug, "192.0.2.1"),
        None,
        (household.slug, "192.0.2.2"),
        (neighbour.slug, "192.0.2.3"),
    ]
    assert len(sent) == 1 + 2  # and each token's use is noted
    with counted("default") as sent:
        tokens.use_tokens(asked)
    assert len(sent) == 1


def test_a_token_is_used_until_it_is_revoked(household: Household, neighbour: Household) -> None:
    token = redeemed(household)
    used = use(token.id, "192.0.2.9")
    assert used is not None
    assert (used.person_id, used.tenant) == (household.owner.id, household.tenant.identity())
    assert [row.id for row in tokens.list_tokens(household.actor())] == [token.id]
    with pytest.raises(NotFound):
        tokens.revoke_token(neighbour.actor(), token.id)
    tokens.revoke_token(household.actor(), token.id)
    assert use(token.id) is None
    assert list(tokens.list_tokens(household.actor())) == []


def test_an_expired_token_is_refused(household: Household) -> None:
    token = redeemed(household)
    AccessToken.objects.filter(id=token.id).update(expires_at=Now())
    assert use(token.id) is None


def test_freezing_ends_what_was_issued_before_and_nothing_after(household: Household) -> None:
    before = redeemed(household)
    Person.objects.filter(id=household.owner.id).update(tokens_frozen_at=Now())
    assert use(before.id) is None
    after = redeemed(household)
    held = use(after.id)
    assert held is not None
    assert held.actor.token_id == after.id


def test_an_unknown_token_is_refused() -> None:
    assert use(uuid.uuid4()) is None


def acts(household: Household) -> list[str]:
    with household.enter():
        return [json.loads(row.entry)["action"] for row in AuditRow.objects.order_by("position")]


def test_the_tenant_sees_its_tokens_come_and_go(household: Household) -> None:
    token = redeemed(household)
    tokens.revoke_token(household.actor(), token.id)
    assert acts(household)[1:] == ["token.approved", "token.issued", "token.revoked"]


def test_a_grant_from_before_the_freeze_is_worth_nothing(household: Household) -> None:
    started = tokens.start_device(name="laptop", address="192.0.2.66")
    tokens.approve_device(household.actor(), started.user_code, household.slug)
    Person.objects.filter(id=household.owner.id).update(tokens_frozen_at=Now())
    assert tokens.redeem_device(started.device_code, address="192.0.2.66") == Redemption.DENIED


def test_somebody_who_left_gets_no_token_and_may_still_end_one(household: Household, new_person: NewPerson) -> None:
    member = household.join(new_person(), Role.MEMBER)
    started = tokens.start_device(name="laptop", address="")
    tokens.approve_device(household.actor(member), started.user_code, household.slug)
    other = tokens.start_device(name="laptop", address="")
    tokens.approve_device(household.actor(member), other.user_code, household.slug)
    token = tokens.redeem_device(other.device_code, address="")
    assert isinstance(token, AccessToken)
    household.tenant.memberships.filter(person=member).delete()
    assert tokens.redeem_device(started.device_code, address="") == Redemption.DENIED
    tokens.revoke_token(household.actor(member), token.id)
    assert use(token.id) is None


def test_a_grant_is_approved_once_however_many_try_at_once(household: Household) -> None:
    started = tokens.start_device(name="laptop", address="")

    def approve() -> bool:
        try:
            tokens.approve_device(household.actor(), started.user_code, household.slug)
        except Invalid:
            return False
        return True

    assert sorted(at_once(approve, times=4)) == [False] * 3 + [True]


def test_being_let_in_again_brings_no_token_back(household: Household, new_person: NewPerson) -> None:
    member = household.join(new_person(), Role.MEMBER)
    started = tokens.start_device(name="laptop", address="")
    tokens.approve_device(household.actor(member), started.user_code, household.slug)
    token = tokens.redeem_device(started.device_code, address="")
    assert isinstance(token, AccessToken)
    with household.enter() as inside:
        members.remove_member(inside, member.id)
    household.join(member, Role.MEMBER)
    assert use(token.id) is None
