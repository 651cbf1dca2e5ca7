"""Who the access token speaks for."""

from __future__ import annotations

from datetime import datetime

from ninja import Router

from portal.api.access import ApiRequest, signed_in
from portal.api.schemas import Strict, answers
from tenants.actions.tokens import own_token
from tenants.compartment import enter_by

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
    with enter_by(request.token) as inside:
        role, tenant = inside.role or "", inside.identity.slug
    token = own_token(request.token)
    person = token.person
    return Me(
        person=str(person),
        provider=person.provider,
        login=person.login,
        tenant=tenant,
        role=role,
        token=token.name,
        expires_at=token.expires_at,
    )
