"""A person's own session and tokens."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from portal.guards import SignedInRequest, actor_of, signed_in
from portal.signin.sessions import ABSOLUTE
from portal.views.answers import done, page
from tenants.actions.tokens import MAX_LISTED, list_tokens, revoke_token


@require_safe
@signed_in
def index(request: SignedInRequest) -> HttpResponse:
    started = request.session.started
    ends_at = started.created_at + ABSOLUTE if started else None
    tokens = list_tokens(actor_of(request))
    return page(request, "account/account.html", session=started, ends_at=ends_at, tokens=tokens, most=MAX_LISTED)


@require_http_methods(["POST"])
@signed_in
def revoke(request: SignedInRequest, token: UUID) -> HttpResponse:
    revoke_token(actor_of(request), token)
    return done(request, "The token was revoked and works no more.", "account")
