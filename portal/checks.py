"""What must not run, judged from the settings: `manage.py check` lists it, and every process refuses to start on it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from portal import addresses
from portal.signin.identity import ascii_domain

_SECURE_MODES: Final = {"require", "verify-ca", "verify-full"}
_DISTINCT_BYTES: Final = 16  # of 32; random ones have 30 on average, a repeated phrase far fewer


def unsafe(**_: Any) -> list[CheckMessage]:
    """Return an Error for each unsafe combination (Django system check); none of them shows a value that is secret."""
    judged = _IN_PRODUCTION if settings.PRODUCTION else _ELSEWHERE
    return [Error(text, id=f"bulkhead.{number}") for number, judge in judged.items() for text in judge()]


def refuse_unsafe() -> None:
    """Raise ImproperlyConfigured with every reason. Called where a process starts, not only by `manage.py`."""
    reasons = [f"{problem.id}: {problem.msg}" for problem in unsafe()]
    if reasons:
        raise ImproperlyConfigured("This configuration is unsafe, so nothing was started.\n" + "\n".join(reasons))


def _sandbox() -> Iterable[str]:
    if settings.SANDBOX_PROVIDER_URL:
        yield "BULKHEAD_SANDBOX_PROVIDER_URL is set: the sandbox lets anybody in as anybody. Unset it."


def _local_key() -> Iterable[str]:
    if settings.KEY_SERVICE.startswith("local:") and not settings.LOCAL_KEY_ALLOWED:
        yield (
            "BULKHEAD_KEY_SERVICE is a local key file: whoever copies the disk has the platform key. Name a key "
            "service, or accept that with BULKHEAD_LOCAL_KEY_ALLOWED=1."
        )


def _debug() -> Iterable[str]:
    if settings.DEBUG:
        yield "DEBUG is on: error pages would show settings and variables. Turn it off."


def _database() -> Iterable[str]:
    default = settings.DATABASES["default"]
    if not _is_here(default["HOST"]) and default["OPTIONS"].get("sslmode") not in _SECURE_MODES:
        yield "DATABASE_URL goes to another machine without TLS. Add ?sslmode=verify-full (or at least require)."


def _base_url() -> Iterable[str]:
    if not settings.BASE_URL.startswith("https://"):
        yield "BULKHEAD_BASE_URL must begin with https://: sessions and tokens never cross a network in clear."


def _secrets() -> Iterable[str]:
    secrets = {
        "BULKHEAD_SECRET_KEY": bytes.fromhex(settings.SECRET_KEY),
        "BULKHEAD_SESSION_SECRET": settings.SESSION_SECRET,
        "BULKHEAD_TOKEN_SECRET": settings.TOKEN_SECRET,
        "BULKHEAD_DATABASE_SECRET": settings.DATABASE_SECRET,
    }
    for name, value in secrets.items():
        if len(set(value)) < _DISTINCT_BYTES:
            yield f"{name} is not random. Make one with: openssl rand -base64 32"
    for name, value in secrets.items():
        equal = [other for other in secrets if other < name and secrets[other] == value]
        if equal:
            yield f"{name} equals {equal[0]}. Each secret must be its own: openssl rand -base64 32"


def _providers() -> Iterable[str]:
    if not settings.SIGN_IN_PROVIDERS:
        yield (
            "Nobody could sign in. Set BULKHEAD_GITHUB_CLIENT_ID and BULKHEAD_GITHUB_CLIENT_SECRET, or the same "
            "of BITBUCKET."
        )


def _hosts() -> Iterable[str]:
    if not settings.ALLOWED_HOSTS or any(host.startswith(("*", ".")) for host in settings.ALLOWED_HOSTS):
        yield "ALLOWED_HOSTS has a wildcard: a forged Host header would be believed. Name the host."


def _redis() -> Iterable[str]:
    for name in ("REDIS_URL", "CELERY_BROKER_URL"):
        parts = urlsplit(getattr(settings, name))
        if parts.scheme == "redis" and not _is_here(parts.hostname or ""):
            yield f"{name} goes to another machine without TLS. Use rediss://."


def _proxies() -> Iterable[str]:
    try:
        wide = [str(network) for network in addresses.networks(settings.TRUSTED_PROXIES) if network.prefixlen == 0]
    except ValueError:
        yield "BULKHEAD_TRUSTED_PROXIES must be CIDR ranges such as 10.0.0.0/24, separated by commas."
        return
    if wide:
        yield f"BULKHEAD_TRUSTED_PROXIES trusts every address ({wide[0]}): so anybody could forge one. Name them."


def _domains() -> Iterable[str]:
    for domain in settings.ALLOWED_EMAIL_DOMAINS:
        if ascii_domain(domain) is None:
            yield f"BULKHEAD_ALLOWED_EMAIL_DOMAINS: {domain!r} is no domain. List whole ones, such as example.org."


def _exposed() -> Iterable[str]:
    if not _is_here(urlsplit(settings.BASE_URL).hostname or ""):
        yield "BULKHEAD_MODE is not production, but BULKHEAD_BASE_URL is not on this machine. Use 127.0.0.1."


def _is_here(host: str) -> bool:
    """Say whether the host is this machine: a loopback address, `localhost`, or a socket's directory."""
    if host in {"", "localhost"} or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


Judge = Callable[[], Iterable[str]]
_ELSEWHERE: Final[dict[str, Judge]] = {"E010": _proxies, "E011": _exposed, "E012": _domains}
_IN_PRODUCTION: Final[dict[str, Judge]] = {
    "E001": _sandbox,
    "E002": _local_key,
    "E003": _debug,
    "E004": _database,
    "E005": _base_url,
    "E006": _secrets,
    "E007": _providers,
    "E008": _hosts,
    "E009": _redis,
    "E010": _proxies,
    "E012": _domains,
}
