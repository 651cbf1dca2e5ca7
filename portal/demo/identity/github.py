"""GitHub's half: docs.github.com, "Authorizing OAuth apps" and the REST API's users and e-mails."""

from __future__ import annotations

from typing import Any, Final

from portal.demo.identity.configuration import Configuration
from portal.demo.identity.grants import Grant, Memory
from portal.demo.identity.messages import Answer, Request, as_form, as_json

_DOCS: Final = "https://docs.github.com/rest"
_ERRORS: Final = {
    "bad_verification_code": "The code passed is incorrect or expired.",
    "incorrect_client_credentials": "The client_id and/or client_secret passed are incorrect.",
    "redirect_uri_mismatch": "The redirect_uri MUST match the registered callback URL for this application.",
}


def access_token(request: Request, configuration: Configuration, memory: Memory) -> Answer:
    """Trade a code for a token. Errors come with status 200, as GitHub's do, in the media type that was asked for."""
    form = request.form
    if not configuration.clients["github"].is_proven(form.get("client_id", ""), form.get("client_secret", "")):
        return _token_answer(request, _error("incorrect_client_credentials"))
    grant = memory.codes.take(form.get("code", ""))
    if grant is None or grant.authorization.provider != "github" or not grant.verifies(form.get("code_verifier", "")):
        return _token_answer(request, _error("bad_verification_code"))
    if form.get("redirect_uri", grant.authorization.redirect_uri) != grant.authorization.redirect_uri:
        return _token_answer(request, _error("redirect_uri_mismatch"))
    token = memory.tokens.keep(grant)
    scope = ",".join(grant.authorization.scopes)
    return _token_answer(request, {"access_token": token, "token_type": "bearer", "scope": scope})


def _error(name: str) -> dict[str, str]:
    return {"error": name, "error_description": _ERRORS[name], "error_uri": f"{_DOCS}#{name}"}


def _token_answer(request: Request, body: dict[str, str]) -> Answer:
    return as_json(body) if "json" in request.headers.get("accept", "") else as_form(body)


def user(request: Request, memory: Memory) -> Answer:
    grant = memory.tokens.get(request.bearer)
    if grant is None or grant.authorization.provider != "github":
        return _bad_credentials()
    account = grant.account
    profile: dict[str, Any] = {
        "login": account.login,
        "id": account.number,
        "node_id": account.node_id,
        "type": "User",
        "site_admin": False,
        "name": account.name,
        "email": None,  # the public one: none of these accounts shows any
    }
    if _may(grant, "read:user"):
        profile["two_factor_authentication"] = account.mfa
    return as_json(profile, X_OAuth_Scopes=", ".join(grant.authorization.scopes))


def emails(request: Request, memory: Memory) -> Answer:
    grant = memory.tokens.get(request.bearer)
    if grant is None or grant.authorization.provider != "github":
        return _bad_credentials()
    if not _may(grant, "user:email"):
        return as_json({"message": "Not Found", "documentation_url": _DOCS, "status": "404"}, 404)
    return as_json(
        [
            {
                "email": email.address,
                "primary": email.primary,
                "verified": email.verified,
                "visibility": "private" if email.primary else None,
            }
            for email in grant.account.emails
        ]
    )


def _may(grant: Grant, scope: str) -> bool:
    return bool({scope, "user"} & set(grant.authorization.scopes))


def _bad_credentials() -> Answer:
    return as_json({"message": "Bad credentials", "documentation_url": _DOCS, "status": "401"}, 401)
