"""Which connection a query takes: the registry's, or that of the compartment being entered, and no third.

Each tenant is a database role of its own (see `tenants/provisioning`). A compartment's connection is opened as that
role, under an alias equal to the role's name. Django asks its settings for an alias once in each thread; this mapping
answers for the compartment that is entered in the present context and for no other, and never lists one, so that
Django's walks over all aliases stay as short as the settings file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tenants.databases.current import Entered, OutsideCompartmentError, entered
from tenants.databases.router import Router

__all__ = ["CompartmentDatabases", "Entered", "OutsideCompartmentError", "Router", "database", "entered"]


# A server that is gone without a word is noticed within half a minute, where nothing else would end the wait for it.
_KEEPALIVES: Final = {"keepalives_idle": "15", "keepalives_interval": "5", "keepalives_count": "3"}


def database(url: Mapping[str, str]) -> dict[str, Any]:
    """Return Django's settings for a connection read from a URL by `portal.environment.database`."""
    options = {part: value for part, value in url.items() if part not in {"dbname", "user", "password", "host", "port"}}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.get("dbname", ""),
        "USER": url.get("user", ""),
        "PASSWORD": url.get("password", ""),
        "HOST": url.get("host", ""),
        "PORT": url.get("port", ""),
        "CONN_MAX_AGE": 600,
        "OPTIONS": {"connect_timeout": "3", "application_name": "bulkhead", **_KEEPALIVES, **options},
        # A server-side cursor outlives its transaction behind PgBouncer in transaction mode, and is then lost.
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }


class CompartmentDatabases(dict[str, dict[str, Any]]):
    """Django's DATABASES, answering besides for the compartment that is entered."""

    def __contains__(self, alias: object) -> bool:
        return super().__contains__(alias) or entered.alias() == alias

    def __missing__(self, alias: str) -> dict[str, Any]:
        inside = entered.get()
        if inside is None or inside.role != alias:
            raise OutsideCompartmentError(alias)
        default = self["default"]
        # Its password is derived when it connects (`base.py`), and is kept nowhere.
        return {**default, "ENGINE": "tenants.databases", "USER": inside.role, "PASSWORD": ""}
