"""Who somebody is: (provider, the provider's immutable id), with a verified e-mail address. Pure; no I/O.

GitHub: docs.github.com/rest/users/users and …/users/emails. Bitbucket: developer.atlassian.com, "Users".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from portal.domains import ascii_domain
from portal.signin.refusals import Reason, Refusal
from tenants.registry.people import Provider

_UUID: Final = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.ASCII)
_ADDRESS: Final = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}")


@dataclass(frozen=True)
class Identity:
    provider: Provider
    uid: str
    login: str
    name: str
    email: str
    mfa: bool | None  # None: the provider does not say


def of_github(profile: Any, emails: Any) -> Identity:
    """Read GitHub's `/user` and `/user/emails`; the address is the one that is primary and verified."""
    profile = _object(profile, Provider.GITHUB)
    number = profile.get("id")
    if type(number) is not int or number <= 0:  # a bool is an int to Python, and no id
        raise Refusal(Reason.ANSWER, Provider.GITHUB.label)
    login = _text(profile.get("login"))
    return Identity(
        Provider.GITHUB,
        str(number),
        login,
        _text(profile.get("name")),
        _primary(Provider.GITHUB, login, emails, primary="primary", verified="verified"),
        _flag(profile.get("two_factor_authentication")),
    )


def of_bitbucket(profile: Any, emails: Any) -> Identity:
    """Read Bitbucket's `/2.0/user` and `/2.0/user/emails`; the address is the one that is primary and confirmed."""
    profile = _object(profile, Provider.BITBUCKET)
    uuid = profile.get("uuid")
    found = _UUID.fullmatch(uuid.lower()) if isinstance(uuid, str) else None
    if found is None:
        raise Refusal(Reason.ANSWER, Provider.BITBUCKET.label)
    login = _text(profile.get("username")) or _text(profile.get("nickname"))
    values = _object(emails, Provider.BITBUCKET).get("values")
    return Identity(
        Provider.BITBUCKET,
        f"{{{found[1]}}}",
        login,
        _text(profile.get("display_name")),
        _primary(Provider.BITBUCKET, login, values, primary="is_primary", verified="is_confirmed"),
        _flag(profile.get("has_2fa_enabled")),
    )


def admit(identity: Identity, domains: Sequence[str]) -> None:
    """Refuse an address outside the allowed domains, if there are any; one whose domain has no form is in none."""
    domain = ascii_domain(identity.email.rpartition("@")[2])
    if domains and (domain is None or domain not in map(ascii_domain, domains)):
        raise Refusal(
            Reason.DOMAIN, identity.provider.label, login=identity.login, email=identity.email, domains=domains
        )


def _primary(provider: Provider, login: str, emails: Any, *, primary: str, verified: str) -> str:
    """Return the primary address, refused unless the provider says `true` of it, and not merely something truthy."""
    if not isinstance(emails, list):
        raise Refusal(Reason.ANSWER, provider.label)
    first = next((entry for entry in emails if isinstance(entry, dict) and entry.get(primary) is True), None)
    if first is None:
        raise Refusal(Reason.EMAIL_MISSING, provider.label, login=login)
    address = first.get("email")
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
        raise Refusal(Reason.EMAIL_MISSING, provider.label, login=login)
    if first.get(verified) is not True:
        raise Refusal(Reason.EMAIL_UNVERIFIED, provider.label, login=login, email=address)
    return address


def _object(value: Any, provider: Provider) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refusal(Reason.ANSWER, provider.label)
    return value


def _text(value: object) -> str:
    return value[:255] if isinstance(value, str) else ""


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
