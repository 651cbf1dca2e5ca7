"""The two providers: social-auth's backends with PKCE, the fewest scopes, and tokens in the Authorization header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import HttpResponse
from social_core.backends.bitbucket import BitbucketOAuth2
from social_core.backends.github import GithubOAuth2
from social_core.backends.oauth import BaseOAuth2PKCE
from social_core.exceptions import AuthSessionError

from portal.signin import identity
from portal.signin.attempts import LIFETIME
from portal.signin.identity import Identity
from portal.signin.strategy import Strategy
from tenants.registry.people import Provider


class OncePKCE(BaseOAuth2PKCE[HttpResponse]):
    """PKCE, and a state that works once: whoever comes second with it finds the attempt gone."""

    STATE_LIFETIME = int(LIFETIME.total_seconds())
    strategy: Strategy

    def __init__(self, strategy: Strategy, redirect_uri: str) -> None:
        super().__init__(strategy, redirect_uri)

    def validate_state(self) -> str | None:
        state = super().validate_state()
        if not self.strategy.finish_attempt():
            raise AuthSessionError(self, "state", code="session_context_missing", stage="callback")
        return state

    def _get(self, url: str, access_token: str) -> Any:
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        return self.get_json(url, headers=headers)


class GitHub(OncePKCE, GithubOAuth2[HttpResponse]):
    name = Provider.GITHUB.value
    DEFAULT_SCOPE = ["read:user", "user:email"]  # noqa: RUF012 - declared so upstream

    def user_data(self, access_token: str, *_: Any, **__: Any) -> dict[str, Any]:
        return {
            "profile": self._get(f"{settings.GITHUB_API_URL}/user", access_token),
            "emails": self._get(f"{settings.GITHUB_API_URL}/user/emails", access_token),
        }

    def identity(self, answer: dict[str, Any]) -> Identity:
        return identity.of_github(answer["profile"], answer["emails"])


class Bitbucket(OncePKCE, BitbucketOAuth2[HttpResponse]):
    name = Provider.BITBUCKET.value
    DEFAULT_SCOPE = ["account", "email"]  # noqa: RUF012 - declared so upstream
    USE_BASIC_AUTH = True

    def user_data(self, access_token: str, *_: Any, **__: Any) -> dict[str, Any]:
        return {
            "profile": self._get(f"{settings.BITBUCKET_API_URL}/user", access_token),
            "emails": self._get(f"{settings.BITBUCKET_API_URL}/user/emails", access_token),
        }

    def identity(self, answer: dict[str, Any]) -> Identity:
        return identity.of_bitbucket(answer["profile"], answer["emails"])


BACKENDS: Final[dict[Provider, type[OncePKCE]]] = {Provider.GITHUB: GitHub, Provider.BITBUCKET: Bitbucket}


@dataclass(frozen=True)
class Scope:
    name: str
    why: str


@dataclass(frozen=True)
class Offer:
    """A provider as the sign-in page shows it, before anybody is sent there."""

    provider: Provider
    scopes: tuple[Scope, ...]

    @property
    def name(self) -> str:
        return self.provider.value

    @property
    def title(self) -> str:
        return self.provider.label


OFFERS: Final = {
    Provider.GITHUB: Offer(
        Provider.GITHUB,
        (
            Scope("read:user", "to know your account by its number, and whether it has a second factor"),
            Scope("user:email", "to see that your primary e-mail address is verified"),
        ),
    ),
    Provider.BITBUCKET: Offer(
        Provider.BITBUCKET,
        (
            Scope("account", "to know your account by its UUID, and whether it has a second factor"),
            Scope("email", "to see that your primary e-mail address is confirmed"),
        ),
    ),
}


def offered() -> list[Offer]:
    """Return the providers that this deployment has credentials for."""
    return [offer for provider, offer in OFFERS.items() if provider.value in settings.SIGN_IN_PROVIDERS]
