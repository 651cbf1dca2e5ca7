"""Typed readers of the process environment that fail loudly and never show a value."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo


def text(name: str, default: str | None = None) -> str:
    """Return the variable, or `default`; a variable with neither is an error."""
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} must be set.")
    return value


def secret(name: str, default: str | None = None) -> str:
    """Return NAME, or the content of the file that NAME_FILE points to."""
    path = os.environ.get(f"{name}_FILE")
    if path is None:
        return text(name, default)
    if os.environ.get(name):  # a library that reads NAME by itself, as Celery does, would take the other one
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Keep one.")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE can't be read: {error.strerror}.") from None


def key(name: str) -> bytes:
    """Return a base64 secret of at least 32 bytes."""
    try:
        value = base64.b64decode(secret(name), validate=True)
    except (binascii.Error, ValueError):
        raise ImproperlyConfigured(f"{name} must be base64.") from None
    if len(value) < 32:  # noqa: PLR2004 - 256 bits
        raise ImproperlyConfigured(f"{name} must hold at least 32 bytes, base64.")
    return value


def former_keys(name: str) -> list[bytes]:
    """Return the secret that was in force before, while there is one to be honoured still."""
    return [key(name)] if os.environ.get(name) or os.environ.get(f"{name}_FILE") else []


def flag(name: str, *, default: bool = False) -> bool:
    value = os.environ.get(name, "1" if default else "0").lower()
    if value not in {"0", "1", "true", "false"}:
        raise ImproperlyConfigured(f"{name} must be 1 or 0.")
    return value in {"1", "true"}


def integer(name: str, default: int, *, minimum: int = 0) -> int:
    try:
        value = int(os.environ.get(name, default))
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from None
    if value < minimum:
        raise ImproperlyConfigured(f"{name} must be at least {minimum}.")
    return value


def listing(name: str) -> list[str]:
    """Return the comma-separated items, without blanks."""
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def database(name: str) -> dict[str, str]:
    """Return libpq's own reading of a connection URL (host, port, dbname, user, password, sslmode …)."""
    try:
        return {part: str(value) for part, value in conninfo_to_dict(secret(name)).items() if value is not None}
    except Exception:  # noqa: BLE001 - whatever libpq says would quote the password
        raise ImproperlyConfigured(f"{name} is no PostgreSQL connection URL.") from None


def implicit() -> list[str]:
    """Return the variables that are set here and that libpq or Celery would follow past what the settings say."""
    read = {part.envvar.decode() for part in Conninfo.get_defaults() if part.envvar}
    read |= {"PGSERVICEFILE", "PGSYSCONFDIR", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"}
    return sorted(read & os.environ.keys())


def choice(name: str, default: str, choices: Collection[str]) -> str:
    value = text(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(sorted(choices))}.")
    return value


def origin(name: str) -> str:
    """Return `scheme://host[:port]`, without a path."""
    value = text(name).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or value != f"{parts.scheme}://{parts.netloc}" or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must be an origin such as https://bulkhead.example.")
    return value


def rate(name: str, default: str) -> str:
    """Return a rate such as `20/m`: how many in a second, minute, hour or day."""
    value = text(name, default)
    if not re.fullmatch(r"[1-9][0-9]{0,8}/[smhd]", value):
        raise ImproperlyConfigured(f"{name} must be a rate such as 20/m.")
    return value


@dataclass(frozen=True)
class ProviderClient:
    """What this deployment is at a provider."""

    id: str
    secret: str = field(repr=False)


def credentials(*providers: str) -> dict[str, ProviderClient]:
    """Return the client of each provider that has both BULKHEAD_<PROVIDER>_CLIENT_ID and _SECRET."""
    read = {
        name: ProviderClient(
            text(f"BULKHEAD_{name.upper()}_CLIENT_ID", ""), secret(f"BULKHEAD_{name.upper()}_CLIENT_SECRET", "")
        )
        for name in providers
    }
    return {name: client for name, client in read.items() if client.id and client.secret}
