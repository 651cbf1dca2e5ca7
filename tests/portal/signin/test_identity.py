"""What is taken for an identity, and what is refused: tables over the providers' answers."""

from __future__ import annotations

from typing import Any

import pytest

from portal.signin import identity
from portal.signin.refusals import Reason, Refusal
from tenants.registry.models import Provider

UUID = "{2f7d5a0e-1a4b-4c11-9d2f-0a1b2c3d4e5f}"
GITHUB_EMAILS = [{"email": "olivia@acme.example", "primary": True, "verified": True}]
BITBUCKET_EMAILS = {"values": [{"email": "olivia@acme.example", "is_primary": True, "is_confirmed": True}]}


def of_github(profile: Any, emails: Any = GITHUB_EMAILS) -> identity.Identity:
    return identity.of_github(profile, emails)


def of_bitbucket(profile: Any, emails: Any = BITBUCKET_EMAILS) -> identity.Identity:
    return identity.of_bitbucket(profile, emails)


def test_github_is_known_by_its_number() -> None:
    profile = {"id": 7, "login": "olivia", "name": "Olivia", "two_factor_authentication": False}
    assert of_github(profile) == identity.Identity(
        Provider.GITHUB, "7", "olivia", "Olivia", "olivia@acme.example", mfa=False
    )


@pytest.mark.parametrize("number", [None, "", "7", "0x7", True, False, 0, -1, 7.0, [], {}, "owner"])
def test_github_ids_of_any_other_kind_are_refused(number: Any) -> None:
    with pytest.raises(Refusal) as refused:
        of_github({"id": number, "login": "olivia"})
    assert refused.value.reason is Reason.ANSWER


@pytest.mark.parametrize("uuid", [UUID, UUID.upper(), UUID.strip("{}"), UUID.strip("{}").upper()])
def test_bitbucket_uuids_have_one_spelling(uuid: str) -> None:
    assert of_bitbucket({"uuid": uuid}).uid == UUID


@pytest.mark.parametrize(
    "uuid",
    [None, "", "{}", True, 7, [], UUID + " ", " " + UUID, UUID[:-2], UUID + "\n", UUID.replace("-", ""), "owner"],
)
def test_bitbucket_uuids_of_any_other_form_are_refused(uuid: Any) -> None:
    with pytest.raises(Refusal) as refused:
        of_bitbucket({"uuid": uuid})
    assert refused.value.reason is Reason.ANSWER


@pytest.mark.parametrize("answer", [None, [], "text", 7])
def test_answers_that_are_no_object_are_refused(answer: Any) -> None:
    for read in (of_github, of_bitbucket):
        with pytest.raises(Refusal) as refused:
            read(answer)
        assert refused.value.reason is Reason.ANSWER


@pytest.mark.parametrize(
    ("emails", "reason"),
    [
        ([], Reason.EMAIL_MISSING),
        ([{"email": "a@b.example", "primary": False, "verified": True}], Reason.EMAIL_MISSING),
        ([{"email": "a@b.example", "primary": "true", "verified": True}], Reason.EMAIL_MISSING),
        ([{"email": "", "primary": True, "verified": True}], Reason.EMAIL_MISSING),
        ([{"email": None, "primary": True, "verified": True}], Reason.EMAIL_MISSING),
        ([{"email": "no-at-sign", "primary": True, "verified": True}], Reason.EMAIL_MISSING),
        ([{"email": "a@b@c.example", "primary": True, "verified": True}], Reason.EMAIL_MISSING),
        ([{"primary": True, "verified": True}], Reason.EMAIL_MISSING),
        ([{"email": "a@b.example", "primary": True, "verified": False}], Reason.EMAIL_UNVERIFIED),
        ([{"email": "a@b.example", "primary": True, "verified": "true"}], Reason.EMAIL_UNVERIFIED),
        ([{"email": "a@b.example", "primary": True, "verified": 1}], Reason.EMAIL_UNVERIFIED),
        ([{"email": "a@b.example", "primary": True}], Reason.EMAIL_UNVERIFIED),
        (["a@b.example"], Reason.EMAIL_MISSING),
        ({"values": []}, Reason.ANSWER),
        (None, Reason.ANSWER),
    ],
)
def test_only_a_primary_and_verified_address_counts(emails: Any, reason: Reason) -> None:
    with pytest.raises(Refusal) as refused:
        of_github({"id": 7}, emails)
    assert refused.value.reason is reason


def test_a_verified_second_address_does_not_stand_in_for_the_primary_one() -> None:
    emails = [
        {"email": "other@acme.example", "primary": False, "verified": True},
        {"email": "primary@acme.example", "primary": True, "verified": False},
    ]
    with pytest.raises(Refusal) as refused:
        of_github({"id": 7, "login": "olivia"}, emails)
    assert "primary@acme.example" in refused.value.advice


@pytest.mark.parametrize(("said", "kept"), [(True, True), (False, False), (None, None), ("yes", None), (1, None)])
def test_mfa_is_yes_no_or_unknown(said: Any, kept: bool | None) -> None:
    assert of_github({"id": 7, "two_factor_authentication": said}).mfa is kept
    assert of_bitbucket({"uuid": UUID, "has_2fa_enabled": said}).mfa is kept


def somebody(email: str) -> identity.Identity:
    return identity.Identity(Provider.GITHUB, "7", "olivia", "Olivia", email, mfa=True)


@pytest.mark.parametrize(
    ("email", "domains"),
    [
        ("olivia@acme.example", []),
        ("olivia@acme.example", ["acme.example"]),
        ("olivia@ACME.Example", ["acme.example"]),
        ("olivia@acme.example", ["other.example", "Acme.Example"]),
        ("olivia@acme.example.", ["acme.example"]),
        ("olivia@bücher.example", ["xn--bcher-kva.example"]),
        ("olivia@xn--bcher-kva.example", ["BÜCHER.example"]),
    ],
)
def test_an_allowed_domain_is_let_in(email: str, domains: list[str]) -> None:
    identity.admit(somebody(email), domains)


@pytest.mark.parametrize(
    "email",
    [
        "olivia@evil.example",
        "olivia@sub.acme.example",
        "olivia@evil-acme.example",
        "olivia@acme.example.evil.example",
        "acme.example@evil.example",
        "olivia@аcme.example",  # noqa: RUF001 - a Cyrillic letter is the point
        "olivia@acme..example",
        "olivia@",
    ],
)
def test_a_domain_that_only_looks_allowed_is_refused(email: str) -> None:
    with pytest.raises(Refusal) as refused:
        identity.admit(somebody(email), ["acme.example"])
    assert refused.value.reason is Reason.DOMAIN
    assert "acme.example" in refused.value.advice


@pytest.mark.parametrize("listed", ["*.example.org", ".example.org", "@example.org", "exa mple.org", "-"])
@pytest.mark.parametrize("email", ["eve@*.evil.example", "eve@.evil.example", "eve@a_b.example", "eve@example.org"])
def test_a_domain_without_a_form_matches_nothing(listed: str, email: str) -> None:
    with pytest.raises(Refusal) as refused:
        identity.admit(somebody(email), [listed])
    assert refused.value.reason is Reason.DOMAIN
