"""The signing key: the same for as long as the secret is, named as the RFC says, and never given out."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from joserfc.jwk import OKPKey

from secrets_vault import describe
from tenants import certificates
from tenants.errors import NotFound, Refused
from tenants.keyrings import forget_keyring, keyring_of
from tenants.registry.models import Certificate, TenantKey
from tenants.roles import Role
from tests.conftest import Household, NewPerson

# Of a secret of 32 zero bytes. A notice is years old when it is needed: another derivation would make it worthless.
GOLDEN = "T-oF7xqUJUQtavlt633acLcBxIAWaMDFty1hrnD42TQ"


def signing_keys(household: Household) -> list[dict[str, Any]]:
    with household.enter() as inside:
        return list(certificates.notice(inside)["certificate"]["signing_keys"])


def test_the_key_is_the_secrets_and_stays(household: Household, settings: Any) -> None:
    settings.SECRET_KEY = "00" * 32
    (key,) = signing_keys(household)
    assert key["kid"] == OKPKey.import_key({name: key[name] for name in ("kty", "crv", "x")}).thumbprint() == GOLDEN
    settings.SECRET_KEY = "01" * 32
    assert signing_keys(household)[0]["x"] != key["x"]


def test_its_name_is_the_rfcs() -> None:
    """RFC 8037, appendix A.3: the thumbprint of that key."""
    jwk: dict[str, str | list[str]] = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }
    assert OKPKey.import_key(jwk).thumbprint() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_no_private_half_leaves(household: Household) -> None:
    with household.enter() as inside:
        notice = certificates.notice(inside)
    assert all("d" not in key for key in notice["certificate"]["signing_keys"])
    facts: certificates.Document = {"reason": "contract-ended", "keys": []}
    certificates.issue(household.tenant, facts, using="owner")
    issued = certificates.issued(household.tenant.id)
    Certificate.objects.using("owner").filter(tenant_id=household.tenant.id).delete()
    (compact,) = issued.signed.values()
    assert "d" not in certificates._segment(compact, 0)["jwk"]
    assert json.loads(json.dumps(issued.statement))["unwrapped_keys_forgotten_within_seconds"] == 300


def test_a_notice_is_for_those_who_read_the_log(household: Household, new_person: NewPerson) -> None:
    member = household.join(new_person(), Role.MEMBER)
    with household.enter(member) as inside, pytest.raises(Refused):
        certificates.notice(inside)


def test_each_version_of_the_key_is_named(household: Household) -> None:
    """By its own id, which nothing but the key decides; of an earlier release's it is not known yet."""
    TenantKey.objects.using("owner").create(tenant=household.tenant, version=2, key_service="local", wrapped=b"abc")
    named = certificates.key_facts(household.tenant, using="default")
    TenantKey.objects.using("owner").filter(tenant=household.tenant, version=2).delete()
    forget_keyring(household.tenant.id)
    assert named == [{"version": 1, "id": keyring_of(household.tenant.id).current.id.hex()}, {"version": 2, "id": None}]


def test_a_sealed_value_names_the_key_that_the_notice_names(household: Household) -> None:
    with household.enter() as inside:
        sealed = inside.seal(inside.place("test", uuid.uuid4(), 1), b"value")
        (key,) = certificates.notice(inside)["keys"]
    assert describe(sealed).key_id == key["id"]


def test_an_unknown_tenant_has_none(household: Household) -> None:
    with pytest.raises(NotFound):
        certificates.issued(household.tenant.id)
