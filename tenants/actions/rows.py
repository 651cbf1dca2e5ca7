"""Fetching and uniqueness as every action does them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import IntegrityError
from django.db.models import Model, QuerySet
from psycopg.errors import UniqueViolation

from tenants.errors import Invalid, NotFound

M = TypeVar("M", bound=Model)


def fetch(rows: QuerySet[M], **which: Any) -> M:
    """Return the one row. Raises NotFound, also for a row that is there and not for this compartment."""
    row = rows.filter(**which).first()
    if row is None:
        raise NotFound
    return row


@contextmanager
def unique(field: str, message: str) -> Iterator[None]:
    """Turn a unique constraint's violation into a complaint about `field`; wrap it around the transaction."""
    try:
        yield
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            raise Invalid({field: message}) from None
        raise
