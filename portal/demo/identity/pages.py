"""The two pages that the sandbox shows."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from portal.demo.identity.accounts import ACCOUNTS, Account
from portal.demo.identity.grants import Authorization
from portal.demo.identity.messages import Answer

STYLE: Final = (Path(__file__).parent / "style.css").read_bytes()
_TITLES: Final = {"github": "GitHub", "bitbucket": "Bitbucket"}

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/sandbox/style.css">
<main>
<p class="badge">Sandbox: not the real {provider}</p>
{body}
</main>
</html>
"""

_PICKER: Final = """<h1>Continue as …</h1>
<p>The portal asks for: {scopes}.</p>
<form method="post" action="/sandbox/pick">
<input type="hidden" name="authorization" value="{name}">
{accounts}
<button class="deny" name="login" value="">Deny</button>
</form>"""

_ACCOUNT: Final = """<button name="login" value="{login}">
<strong>{login}</strong> <span>{email}</span> <small>{shows}</small>
</button>"""


def style() -> Answer:
    return Answer(200, STYLE, "text/css; charset=utf-8", {"Cache-Control": "max-age=300"})


def picker(authorization: Authorization, name: str) -> Answer:
    """Return the page on which a person picks an account; `name` is what the form refers to the authorization by."""
    scopes = ", ".join(f"<code>{escape(scope)}</code>" for scope in authorization.scopes) or "no scope"
    accounts = "\n".join(_button(account) for account in ACCOUNTS.values())
    body = _PICKER.format(scopes=scopes, name=escape(name), accounts=accounts)
    return_to = urlsplit(authorization.redirect_uri)
    return _page(200, _TITLES[authorization.provider], body, f"{return_to.scheme}://{return_to.netloc}")


def problem(status: int, text: str) -> Answer:
    return _page(status, "provider", f"<h1>That did not work</h1><p>{escape(text)}</p>", "")


def _button(account: Account) -> str:
    primary = next((email.address for email in account.emails if email.primary), "no e-mail")
    return _ACCOUNT.format(login=escape(account.login), email=escape(primary), shows=escape(account.shows))


def _page(status: int, provider: str, body: str, return_to: str) -> Answer:
    page = _PAGE.format(title=f"{provider} sandbox", provider=provider, body=body)
    return Answer(status, page.encode(), headers=_headers(return_to))


def _headers(return_to: str) -> Mapping[str, str]:
    # Chromium holds the redirect after a form to form-action as well, so the way back is named.
    policy = (
        f"default-src 'none'; style-src 'self'; form-action 'self' {return_to}; base-uri 'none'; frame-ancestors 'none'"
    )
    return {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
