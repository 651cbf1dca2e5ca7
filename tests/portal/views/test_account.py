"""The pages of a person's own session, tokens and command lines."""

from __future__ import annotations

import re

from django.conf import settings

from tenants.actions.tokens import MAX_LISTED, start_device
from tenants.registry.models import AccessToken, DeviceGrant
from tests.conftest import Household, NewPerson
from tests.portal.api.conftest import new_token
from tests.portal.views.conftest import NewVisitor, Visitor, text


def test_the_session_is_shown(owner: Visitor) -> None:
    page = text(owner.get("/account/"))
    assert "192.0.2.1" in page
    assert "Firefox on Linux" in page
    assert "No command line is connected" in page


def test_a_token_is_shown_and_revoked(household: Household, owner: Visitor) -> None:
    token = new_token(household, name="laptop")
    page = owner.get("/account/")
    assert f"laptop {household.slug}" in text(page)
    # As a token begins, up to its first dot: three letters alone may stand in the random ones against forged requests.
    assert not re.search(r"eyJ[\w-]*\.", page.content.decode())
    assert "works no more" in owner.after(owner.post(f"/account/tokens/{token.id}/revoke/"))
    assert AccessToken.objects.get(id=token.id).revoked_at is not None


def test_a_list_that_is_cut_says_so(household: Household, owner: Visitor) -> None:
    for number in range(MAX_LISTED - 1):
        new_token(household, name=f"token-{number}")
    assert "Only the first" not in text(owner.get("/account/"))
    new_token(household)
    assert f"Only the first {MAX_LISTED} are shown." in text(owner.get("/account/"))


def test_anothers_token_is_not_found(household: Household, neighbour: Household, visit: NewVisitor) -> None:
    token = new_token(household)
    assert visit(neighbour).post(f"/account/tokens/{token.id}/revoke/").status_code == 404
    assert AccessToken.objects.get(id=token.id).revoked_at is None


def test_the_command_that_signs_in_can_be_pasted(owner: Visitor) -> None:
    for path in ("", "/account/", "/device/"):
        assert f"bulkhead login --portal {settings.BASE_URL} " in text(owner.get(path))


def asked() -> str:
    return start_device(name="build-7", address="198.51.100.9").user_code


def state() -> str:
    return DeviceGrant.objects.latest("created_at").state


def test_a_command_line_is_let_in(household: Household, owner: Visitor) -> None:
    code = asked()
    question = text(owner.post("/device/", user_code=code.lower()))
    assert f"{code[:4]}-{code[4:]}" in question
    assert "build-7" in question
    assert "Allow only what you have started yourself, a moment ago." in question
    assert "From 198.51.100.9 Asked just now" in question
    answer = owner.post("/device/", user_code=code, tenant=household.slug, answer="approve")
    assert "Connected" in text(answer)
    assert state() == DeviceGrant.State.APPROVED


def test_a_command_line_is_denied(owner: Visitor) -> None:
    code = asked()
    assert "The command line got nothing." in text(owner.post("/device/", user_code=code, answer="deny"))
    assert state() == DeviceGrant.State.DENIED


def test_a_link_only_fills_in_the_code(owner: Visitor) -> None:
    code = asked()
    assert f'value="{code}"' in owner.get("/device/", user_code=code).content.decode()
    assert state() == DeviceGrant.State.PENDING


def test_an_unknown_code_is_explained(owner: Visitor) -> None:
    for form in ({"user_code": "BBBB-BBBB"}, {"user_code": "BBBB-BBBB", "answer": "approve"}):
        answer = owner.post("/device/", **form)
        assert answer.status_code == 422
        assert "No command line waits under this code" in text(answer)


def test_a_tenant_is_chosen(household: Household, neighbour: Household, owner: Visitor) -> None:
    for chosen, said in (("", "Choose the tenant"), (neighbour.slug, "not one of the available choices")):
        answer = owner.post("/device/", user_code=asked(), tenant=chosen, answer="approve")
        assert answer.status_code == 422
        assert said in text(answer)
        assert state() == DeviceGrant.State.PENDING


def test_a_visitor_has_no_account(visit: NewVisitor, new_person: NewPerson) -> None:
    assert visit().get("/account/").status_code == 302
    assert visit().get("/device/").status_code == 302
