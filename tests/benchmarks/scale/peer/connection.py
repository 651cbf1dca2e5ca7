"""A plain connection as Django's settings have it."""

from __future__ import annotations

from typing import Any

from portal import environment


def plain(engine: str = "django.db.backends.postgresql") -> dict[str, Any]:
    """Return Django's settings for DATABASE_URL, kept open between requests as the portal's are."""
    url = environment.database("DATABASE_URL")
    return {
        "ENGINE": engine,
        "NAME": url["dbname"],
        "USER": url["user"],
        "PASSWORD": url["password"],
        "HOST": url["host"],
        "PORT": url["port"],
        "CONN_MAX_AGE": 600,
        "OPTIONS": {"options": url["options"]} if "options" in url else {},
    }
