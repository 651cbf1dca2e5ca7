"""Bitbucket Cloud's half: developer.atlassian.com, "OAuth 2.0" and the REST API's users."""

from __future__ import annotations

from typing import Any

from portal.demo.identity.configuration import Configuration
from portal.demo.identity.grants import TOKEN_SECONDS, Grant, Memory
from portal.demo.identity.messages import Answer, Request, as_json


def access_token(request: Request, configuration: Configuration, memory: Memory) -> Answer:
    """Trade a code for a token; the client proves itself by HTTP basic authentication."""
    if not configuration.clients["bitbucket"].is_proven(*(request.basic or ("", ""))):
        return _refused("unauthorized_client", "Invalid OAuth client credentials", 401)
    if request.form.get("grant_type") != "authorization_code":
        return _refused("unsupported_grant_type", "The specified grant type is not supported.", 400)
    grant = memory.codes.take(request.form.get("code", ""))
    if grant is None or grant.authorization.provider != "bitbucket":
        return _refused("invalid_grant", "The specified code is not valid.", 400)
    promised = grant.authorization.redirect_uri
    if request.form.get("redirect_uri", promised) != promised or not grant.verifies(
        request.form.get("code_verifier", "")
    ):
        return _refused("invalid_grant", "The specified code is not valid.", 400)
    return as_json(
        {
            "access_token": memory.tokens.keep(grant),
            "scopes": " ".join(grant.authorization.scopes),
            "token_type": "bearer",
            "expires_in": int(TOKEN_SECONDS),
            "state": "authorization_code",
        }
    )


def _refused(error: str, description: str, status: int) -> Answer:
    return as_json({"error": error, "error_description": description}, status)


def user(request: Request, memory: Memory) -> Answer:
    grant = _granted(request, memory, "account")
    if isinstance(grant, Answer):
        return grant
    account = grant.account
    return as_json(
        {
            "type": "user",
            "uuid": account.uuid,
            "account_id": f"557058:{account.uuid.strip('{}')}",
            "username": account.login,
            "nickname": account.login,
            "display_name": account.name,
            "has_2fa_enabled": account.mfa,
            "account_status": "active",
        }
    )


def emails(request: Request, memory: Memory) -> Answer:
    grant = _granted(request, memory, "email")
    if isinstance(grant, Answer):
        return grant
    values: list[dict[str, Any]] = [
        {"type": "email", "email": email.address, "is_primary": email.primary, "is_confirmed": email.verified}
        for email in grant.account.emails
    ]
    return as_json({"pagelen": 10, "page": 1, "size": len(values), "values": values})


def _granted(request: Request, memory: Memory, scope: str) -> Grant | Answer:
    """Return the token's grant, or the refusal. A token in the query string is not even looked at."""
    grant = memory.tokens.get(request.bearer)
    if grant is None or grant.authorization.provider != "bitbucket":
        return as_json({"type": "error", "error": {"message": "Access token expired."}}, 401)
    if scope not in grant.authorization.scopes:
        message = "Your credentials lack one or more required privilege scopes."
        detail = {"granted": list(grant.authorization.scopes), "required": [scope]}
        return as_json({"type": "error", "error": {"message": message, "detail": detail}}, 403)
    return grant
