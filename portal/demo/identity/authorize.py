"""The authorization endpoint: who asks for what, a page to pick an account on, and the way back with a code."""

from __future__ import annotations

from typing import Final

from portal.demo.identity import pages
from portal.demo.identity.accounts import ACCOUNTS
from portal.demo.identity.configuration import Configuration
from portal.demo.identity.grants import Authorization, Grant, Memory
from portal.demo.identity.messages import Answer, Request, redirect

SCOPES: Final = {
    "github": frozenset({"read:user", "user", "user:email"}),
    "bitbucket": frozenset({"account", "email"}),
}


def begin(provider: str, request: Request, configuration: Configuration, memory: Memory) -> Answer:
    """Show the account picker. Nothing in this address can pick: that takes the form on the page."""
    query = request.query
    if not configuration.clients[provider].is_known(query.get("client_id", "")):
        return pages.problem(404, "The client_id is not known here.")
    redirect_uri = query.get("redirect_uri", "")
    if not configuration.may_return_to(redirect_uri):
        return pages.problem(400, "The redirect_uri is not associated with this application.")
    if query.get("response_type", "code") != "code":
        return redirect(redirect_uri, error="unsupported_response_type", state=query.get("state", ""))
    if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
        return redirect(redirect_uri, error="invalid_request", state=query.get("state", ""))
    scopes = _scopes(provider, query.get("scope", ""))
    state, challenge = query.get("state", ""), query.get("code_challenge", "")
    authorization = Authorization(provider, redirect_uri, state, scopes, challenge)
    return pages.picker(authorization, memory.pending.keep(authorization))


def _scopes(provider: str, asked: str) -> tuple[str, ...]:
    """Return the scopes asked for that exist; Bitbucket grants what the client is registered for when none is named."""
    if provider == "bitbucket" and not asked:
        return ("account", "email")
    return tuple(name for name in asked.replace(",", " ").split() if name in SCOPES[provider])


def pick(request: Request, memory: Memory) -> Answer:
    """Take the form of the picker and send the browser back, with a code or with the refusal."""
    authorization = memory.pending.take(request.form.get("authorization", ""))
    if authorization is None:
        return pages.problem(400, "This sign-in was answered already, or took too long. Begin again at the portal.")
    account = ACCOUNTS.get(request.form.get("login", ""))
    if account is None:
        return redirect(
            authorization.redirect_uri,
            error="access_denied",
            error_description="The user has denied your application access.",
            state=authorization.state,
        )
    code = memory.codes.keep(Grant(authorization, account))
    return redirect(authorization.redirect_uri, code=code, state=authorization.state)
