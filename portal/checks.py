"""What must not run, judged from the settings: `manage.py check` lists it, and every process refuses to start on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from portal import addresses
from portal.domains import ascii_domain
from secrets_vault import KeyServiceAddress

_SECURE_MODES: Final = {"require", "verify-ca", "verify-full"}
_DATABASE_PARTS: Final = {
    *("sslmode", "sslrootcert", "connect_timeout", "application_name"),
    *("keepalives_idle", "keepalives_interval", "keepalives_count"),
}
_REDIS_OPTIONS: Final = {("ssl_cert_reqs", "required"), ("ssl_check_hostname", "true")}
_TRUSTED_SHARE: Final = 1 / 64  # of all addresses; 10.0.0.0/8 is 1/256, the private networks of IPv6 are 1/128
_FASTEST: Final = 100  # uses in a second; the API's limit is 10 unless set
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
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
    services = [settings.KEY_SERVICE, *settings.KEY_SERVICE_OTHERS]
    if any(service.startswith("local:") for service in services) and not settings.LOCAL_KEY_ALLOWED:
        yield (
            "The key service, or one of the others, is a local key file: whoever copies the disk has the platform key. "
            "Name a key service, or accept that with BULKHEAD_LOCAL_KEY_ALLOWED=1."
        )


def _key_service() -> Iterable[str]:
    yield from _key_service_at("BULKHEAD_KEY_SERVICE", settings.KEY_SERVICE)
    for other in settings.KEY_SERVICE_OTHERS:
        yield from _key_service_at("BULKHEAD_KEY_SERVICE_OTHERS", other)


def _key_service_at(variable: str, url: str) -> Iterable[str]:
    try:
        address = KeyServiceAddress.parse(url)
    except ValueError as error:
        yield f"{variable}: {error}."
        return
    if address.lacks:
        yield f"{variable} needs a client that is not installed: {address.lacks}."
    if address.cleartext:
        yield f"{variable} goes without TLS: keys never cross a connection in clear, not even on this machine."


def _debug() -> Iterable[str]:
    if settings.DEBUG:
        yield "DEBUG is on: error pages would show settings and variables. Turn it off."


def _database() -> Iterable[str]:
    default = settings.DATABASES["default"]
    # Others lead elsewhere (hostaddr, service) or weaken what is checked here, and libpq takes a host from nowhere.
    other = sorted(default["OPTIONS"].keys() - _DATABASE_PARTS)
    if other:
        yield f"DATABASE_URL has {', '.join(other)}. Besides sslmode and sslrootcert, it takes no parameters."
    hosts = default["HOST"].split(",")
    if not all(hosts):
        yield "DATABASE_URL names no host. Write one, or a socket's directory: postgresql://role@%2Frun%2Fpostgresql/…"
    elif not all(map(_is_here, hosts)) and default["OPTIONS"].get("sslmode") not in _SECURE_MODES:
        yield "DATABASE_URL goes to another machine without TLS. Add ?sslmode=verify-full (or at least require)."


def _implicit() -> Iterable[str]:
    if settings.IMPLICIT_VARIABLES:
        names = ", ".join(settings.IMPLICIT_VARIABLES)
        yield f"{names}: libraries connect by that, past what is checked here. Unset it and say it in the URLs."


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
    for name in ("SESSION_SECRET", "TOKEN_SECRET", "DATABASE_SECRET"):
        secrets |= {f"BULKHEAD_{name}_PREVIOUS": former for former in getattr(settings, f"{name}_FALLBACKS")}
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
        url = getattr(settings, name)
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not (parts.scheme == "rediss" and host) and not _stays_here(parts.scheme, host, parts.path):
            yield f"{name} must be rediss://host, or on this machine redis://127.0.0.1 or unix:///path."
        # Several addresses in one are taken apart by Django at either character, and by Celery.
        if ";" in url or "," in url or any(option not in _REDIS_OPTIONS for option in _options(parts.query)):
            yield f"{name} must be one address. Besides ssl_ca_certs and ssl_cert_reqs=required, it takes no options."


def _options(query: str) -> Iterable[tuple[str, str]]:
    given = parse_qsl(query, keep_blank_values=True)
    return ((name, value.lower().removeprefix("cert_")) for name, value in given if name not in {"ssl_ca_certs", "db"})


def _rates() -> Iterable[str]:
    for name, rate in settings.RATES.items():
        count, _, period = rate.partition("/")
        if int(count) > _FASTEST * _SECONDS[period]:
            variable = f"BULKHEAD_RATE_{name.upper().replace('-', '_')}"
            yield f"{variable} limits nothing: it is more than {_FASTEST} in a second."


def _proxies() -> Iterable[str]:
    try:
        networks = addresses.networks(settings.TRUSTED_PROXIES)
    except ValueError:
        yield "BULKHEAD_TRUSTED_PROXIES must be CIDR ranges such as 10.0.0.0/24, separated by commas."
        return
    for version, bits in ((4, 32), (6, 128)):
        alike = [network for network in networks if network.version == version]
        if sum(network.num_addresses for network in set(alike)) > _TRUSTED_SHARE * 2**bits:
            yield f"BULKHEAD_TRUSTED_PROXIES trusts too much of IPv{version}: so many could forge one. Name them."


def _domains() -> Iterable[str]:
    for domain in settings.ALLOWED_EMAIL_DOMAINS:
        if ascii_domain(domain) is None:
            yield f"BULKHEAD_ALLOWED_EMAIL_DOMAINS: {domain!r} is no domain. List whole ones, such as example.org."


def _metrics() -> Iterable[str]:
    if settings.METRICS_TOKEN and len(set(settings.METRICS_TOKEN)) < _DISTINCT_BYTES:
        yield "BULKHEAD_METRICS_TOKEN is not random. Make one with: openssl rand -base64 32"


def _exposed() -> Iterable[str]:
    parts = urlsplit(settings.BASE_URL)
    # With https, something in front takes requests from elsewhere, whatever the name says.
    if parts.scheme != "http" or not _is_here(parts.hostname or ""):
        yield "BULKHEAD_MODE is not production, but BULKHEAD_BASE_URL is not on this machine. Use http://127.0.0.1."


def _is_here(host: str) -> bool:
    """Say whether the host is this machine: a loopback address, `localhost`, or a socket's directory."""
    return host.startswith("/") or addresses.is_loopback(host)


def _stays_here(scheme: str, host: str, path: str) -> bool:
    """Say whether a Redis URL stays on this machine; Celery's scheme for a socket is its own."""
    if scheme == "redis":
        return _is_here(host)
    return scheme in {"unix", "redis+socket"} and not host and path.startswith("/")


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
    "E013": _implicit,
    "E014": _rates,
    "E015": _metrics,
    "E016": _key_service,
}
