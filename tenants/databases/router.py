"""Send records to the compartment that is entered, everything else to the registry, and nothing across."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from django.db import models

from tenants.databases.current import OutsideCompartmentError, entered

RECORDS: Final = "records"
# Installed because social-auth-app-django imports them. Nobody has a password or a permission there: no tables.
TABLELESS: Final = ("auth", "contenttypes", "social_django")

# True while the records' migrations are being rendered to SQL; they are never applied to the registry.
rendering: Final = ContextVar("rendering", default=False)


def _inside(instance: models.Model | None) -> str:
    alias = entered.alias()
    if alias is None:
        raise OutsideCompartmentError
    if instance is not None and instance._state.db not in {None, alias}:
        # A row read in one compartment must not be written, or followed, in another.
        raise OutsideCompartmentError(instance._state.db)
    return alias


class Router:
    def db_for_read(self, model: type[models.Model], instance: models.Model | None = None, **_: Any) -> str | None:
        return _inside(instance) if model._meta.app_label == RECORDS else "default"

    db_for_write = db_for_read

    def allow_relation(self, one: models.Model, other: models.Model, **_: Any) -> bool:
        # The registry is one database, whichever role reads it; compartments are as many as there are aliases.
        return RECORDS not in {one._meta.app_label, other._meta.app_label} or one._state.db == other._state.db

    def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool:
        return app_label not in {RECORDS, *TABLELESS} or (app_label == RECORDS and rendering.get())
