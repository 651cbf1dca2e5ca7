"""SSH authorities and certificates, as the API's caller sees them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.api.conftest import Caller, NewCaller
from tests.portal.api.test_access import refused

MINE = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.fixture
def caller(household: Household, new_caller: NewCaller) -> Caller:
    return new_caller(household)


def test_an_authority_and_a_certificate(caller: Caller, household: Household) -> None:
    made = caller.post("ssh-authorities")
    assert made.status_code == 201
    assert b"PRIVATE" not in made.content
    assert made.json()["signs"] is True
    answer = caller.post("ssh-certificates", {"public_key": MINE})
    assert answer.status_code == 201
    issued = answer.json()
    assert issued["certificate"].startswith("ssh-ed25519-cert-v01@openssh.com ")
    assert 890 < issued["expires_in"] <= 900
    assert issued["principals"][0] == f"{household.slug}/github:{household.owner.uid}"
    [listed] = caller.get("ssh-certificates").json()["items"]
    assert (listed["serial"], listed["key_id"]) == (issued["serial"], issued["key_id"])
    retired = caller.post(f"ssh-authorities/{made.json()['id']}/retire").json()
    assert retired["retired_at"] is not None
    assert caller.get("ssh-authorities").json()["items"] == [retired]
    assert set(refused(caller.post("ssh-certificates", {"public_key": MINE}), 422)["fields"]) == {"authority"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"public_key": "hello"}, "public_key"),
        ({"principals": ["root"]}, "principals"),
        ({"ttl": 8 * 3600 + 1}, "ttl"),
        ({"ttl": "900"}, "ttl"),
        ({"source_addresses": ["anywhere"]}, "source_addresses"),
        ({"key_id": "root"}, "key_id"),
        ({"extensions": ["permit-port-forwarding"]}, "extensions"),
    ],
)
def test_what_is_not_certified(changes: dict[str, object], field: str, caller: Caller) -> None:
    caller.post("ssh-authorities")
    assert set(refused(caller.post("ssh-certificates", {"public_key": MINE, **changes}), 422)["fields"]) == {field}
    assert caller.get("ssh-certificates").json()["items"] == []


def test_a_member_is_certified_and_makes_no_authority(
    caller: Caller, household: Household, new_caller: NewCaller, new_person: NewPerson
) -> None:
    member = new_caller(household, household.join(new_person("member"), Role.MEMBER))
    refused(member.post("ssh-authorities"), 403)
    authority = caller.post("ssh-authorities").json()["id"]
    refused(member.post(f"ssh-authorities/{authority}/retire"), 403)
    assert member.post("ssh-certificates", {"public_key": MINE}).json()["principals"][1].endswith("/role:member")


def test_a_neighbours_authority_is_missing(caller: Caller, neighbour: Household, new_caller: NewCaller) -> None:
    theirs = new_caller(neighbour).post("ssh-authorities").json()["id"]
    refused(caller.post(f"ssh-authorities/{theirs}/retire"), 404)
