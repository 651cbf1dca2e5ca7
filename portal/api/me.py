"""Who the access token speaks for."""

from __future__ import annotations

from datetime import datetime

from ninja import Router

from portal.api.access import ApiRequest, signed_in
from portal.api.schemas import Strict, answers
from tenants.compartment import enter

router = Router(tags=["me"])


class Me(Strict):
    person: str
    provider: str
    login: str
    tenant: str
    role: str
    token: str  # its name: the host that signed in
    expires_at: datetime


@router.get("me", auth=signed_in(), response=answers(Me))
def whoami(request: ApiRequest) -> Me:
    """Say who the token's person is, and in which tenant and role the token may act."""
    token, person = request.token, request.token.person
    with enter(token.tenant.slug, request.actor) as inside:
        role = inside.role or ""
    return Me(
        person=str(person),
        provider=person.provider,
        login=person.login,
        tenant=token.tenant.slug,
        role=role,
        token=token.name,
        expires_at=token.expires_at,
    )
