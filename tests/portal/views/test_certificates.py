"""The notice for those who read the log, also while suspended; the certificate for whoever knows the tenant's id."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.test import override_settings
from joserfc import jws
from joserfc.jwk import OKPKey

from portal.views.certificates import certificate
from tenants.registry.models import TenantKey
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.views.conftest import Answer, NewVisitor, Visitor, text
from tests.tenants.operations.conftest import destroy, suspend


def noticed(owner: Visitor) -> dict[str, Any]:
    answer = owner.get("certificate/notice.json")
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'attachment; filename="{owner.slug}-notice.json"'
    return dict(answer.json())


def downloaded(visitor: Visitor, household: Household, kid: str) -> str:
    answer: Answer = visitor.get(f"/certificates/{household.tenant.id}/{kid}.jws")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/jose")
    return str(answer.content.decode())


def test_the_notice_says_what_will_be_verified(household: Household, owner: Visitor) -> None:
    notice = noticed(owner)
    shown = text(owner.get("certificate/"))
    for part in (notice["tenant"]["id"], notice["keys"][0]["id"], notice["audit"]["hash"]):
        assert part in shown
    assert notice["certificate"]["address"].endswith(f"/certificates/{household.tenant.id}/")
    (key,) = notice["certificate"]["signing_keys"]
    assert set(key) == {"kty", "crv", "x", "kid"}
    wrapped = bytes(TenantKey.objects.get(tenant=household.tenant).wrapped)
    assert wrapped.hex() not in json.dumps(notice)


@pytest.mark.parametrize(("role", "status"), [(Role.MAINTAINER, 200), (Role.AUDITOR, 200), (Role.MEMBER, 403)])
def test_who_reads_the_log_may_have_it(
    role: Role, status: int, household: Household, new_person: NewPerson, visit: NewVisitor
) -> None:
    visitor = visit(household, household.join(new_person(), role))
    for page in ("certificate/", "certificate/notice.json"):
        assert visitor.get(page).status_code == status


def test_it_is_there_while_the_tenant_is_suspended(household: Household, owner: Visitor) -> None:
    suspend(household.tenant)
    assert noticed(owner)["tenant"]["id"] == str(household.tenant.id)
    assert f"/t/{household.slug}/certificate/" in owner.get("/tenants/").content.decode()


def test_there_is_no_certificate_before_the_end(household: Household, visit: NewVisitor) -> None:
    suspend(household.tenant)
    for tenant_id in (household.tenant.id, uuid.uuid4()):
        assert visit().get(f"/certificates/{tenant_id}/").status_code == 404
        assert visit().get(f"/certificates/{tenant_id}/x.jws").status_code == 404


def test_anybody_with_the_id_reads_and_downloads_it(household: Household, owner: Visitor, visit: NewVisitor) -> None:
    notice = noticed(owner)
    kid = notice["certificate"]["signing_keys"][0]["kid"]
    suspend(household.tenant)
    destroy(household.tenant)
    assert owner.get("certificate/").status_code == 404
    page = text(visit().get(f"/certificates/{household.tenant.id}/"))
    for part in ("operations", "Contract ended", notice["keys"][0]["id"], kid):
        assert part in page
    key = OKPKey.import_key(notice["certificate"]["signing_keys"][0])
    found = jws.deserialize_compact(downloaded(visit(), household, kid), key, algorithms=["Ed25519"])
    assert json.loads(found.payload)["tenant"] == notice["tenant"]
    assert visit().get(f"/certificates/{household.tenant.id}/another.jws").status_code == 404


def test_strangers_ask_at_a_bounded_rate(visit: NewVisitor, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "certificates": "2/h"}
    answers = [visit().client.get(f"/certificates/{uuid.uuid4()}/", REMOTE_ADDR="192.0.2.77") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert certificate.level == "anonymous"  # type: ignore[attr-defined]


def test_a_notice_is_good_after_the_secret_was_replaced(
    household: Household, owner: Visitor, visit: NewVisitor, settings: Any
) -> None:
    before = noticed(owner)["certificate"]["signing_keys"]
    suspend(household.tenant)
    with override_settings(SECRET_KEY="ab" * 32, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        now, then = noticed(owner)["certificate"]["signing_keys"]
        destroy(household.tenant)
    assert then == before[0] != now
    for jwk in (now, then):
        compact = downloaded(visit(), household, jwk["kid"])
        assert jws.deserialize_compact(compact, OKPKey.import_key(jwk), algorithms=["Ed25519"]).payload
