"""How social-auth reaches the portal: settings, addresses, and what it wants to remember between begin and complete."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.http import HttpRequest
from social_core.strategy import BaseStrategy
from social_core.utils import setting_name
from social_django.strategy import DjangoStrategy

from portal.signin import attempts


class Strategy(DjangoStrategy):
    """Keeps state and verifier in the attempt, so that nobody needs a session before signing in."""

    def __init__(self, storage: Any, request: HttpRequest | None = None, tpl: Any = None) -> None:
        BaseStrategy.__init__(self, storage, tpl)
        self.request = request
        self.attempt: dict[str, Any] = {}
        self.handle = request.COOKIES.get(attempts.COOKIE, "") if request else ""

    def resume_attempt(self) -> None:
        self.attempt = attempts.load(self.handle)

    def finish_attempt(self) -> bool:
        return attempts.finish(self.handle)

    def session_get(self, name: str, default: Any = None) -> Any:
        return self.attempt.get(name, default)

    def session_set(self, name: str, value: Any) -> None:
        self.attempt[name] = value

    def session_pop(self, name: str) -> Any:
        return self.attempt.pop(name, None)

    def build_absolute_uri(self, path: str | None = None) -> str:
        """Return an address of the portal's own origin, whatever the Host header says."""
        return urljoin(f"{settings.BASE_URL}/", path or "")

    def authenticate(self, backend: Any, *args: Any, **kwargs: Any) -> Any:
        """Run the pipeline. Django's own `authenticate` would try every backend and signal what it was given."""
        return BaseStrategy.authenticate(self, backend, *args, **kwargs)

    def clean_authenticate_args(self, *args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return args, kwargs

    def get_setting(self, name: str) -> Any:
        return settings.SOCIAL_AUTH[name.removeprefix(f"{setting_name()}_")]
