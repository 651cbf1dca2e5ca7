"""Pages by key: each costs the same, however far in, and no row is shown twice when rows come and go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from django.db.models import Max, Model, Q, QuerySet

from tenants.errors import Invalid

T = TypeVar("T")
M = TypeVar("M", bound=Model)

MAX_SIZE: Final = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Where to go on (`Page.next` of the page before; None: from the beginning), and how many rows at most."""

    after: str | None = None
    size: int = 50

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MAX_SIZE:
            raise Invalid({"size": f"Ask for 1 to {MAX_SIZE} rows."})


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: list[T]
    next: str | None


def by_name(rows: QuerySet[M], page: PageRequest) -> Page[M]:
    """Return the rows in the order of their unique `name`."""
    if page.after is not None:
        if "\x00" in page.after:
            raise _bad_cursor()
        rows = rows.filter(name__gt=page.after)
    return _page(rows.order_by("name"), page, lambda row: str(row.name))


def by_position(rows: QuerySet[M], page: PageRequest) -> Page[M]:
    """Return the rows from the highest `position` down."""
    if page.after is not None:
        rows = rows.filter(position__lt=_position(page.after))
    return _page(rows.order_by("-position"), page, lambda row: str(row.position))


def among_newest(rows: QuerySet[M], wanted: Q, page: PageRequest, most: int) -> Page[M]:
    """Return the rows that are `wanted` from the highest `position` down, among `most`; positions have no gaps."""
    top = _position(page.after) - 1 if page.after is not None else rows.aggregate(top=Max("position"))["top"] or 0
    among = rows.filter(wanted, position__lte=top, position__gt=top - most)
    found = _page(among.order_by("-position"), page, lambda row: str(row.position))
    on = str(top - most + 1) if top > most else None
    return found if found.next else Page(found.items, on)


def newest_first(rows: QuerySet[M], page: PageRequest, *, by: str = "created_at") -> Page[M]:
    """Return the rows from the latest time in `by` down; the id decides between equals."""
    if page.after is not None:
        at, row_id = _moment(page.after)
        rows = rows.filter(Q((f"{by}__lt", at)) | Q((by, at), id__lt=row_id))
    return _page(rows.order_by(f"-{by}", "-id"), page, lambda row: f"{getattr(row, by).isoformat()}~{row.id}")


def by_version(rows: QuerySet[M], page: PageRequest) -> Page[M]:
    """Return the rows from the highest `version` down."""
    if page.after is not None:
        if not re.fullmatch(r"[0-9]{1,9}", page.after):
            raise _bad_cursor()
        rows = rows.filter(version__lt=int(page.after))
    return _page(rows.order_by("-version"), page, lambda row: str(row.version))


def _page(rows: QuerySet[M], page: PageRequest, cursor: Any) -> Page[M]:
    found = list(rows[: page.size + 1])
    more = len(found) > page.size
    items = found[: page.size]
    return Page(items, cursor(items[-1]) if more else None)


def _position(cursor: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", cursor):
        raise _bad_cursor()
    return int(cursor)


def _moment(cursor: str) -> tuple[datetime, UUID]:
    at, _, row_id = cursor.partition("~")
    try:
        return datetime.fromisoformat(at).astimezone(UTC), UUID(row_id)
    except (ValueError, OverflowError):
        raise _bad_cursor() from None


def _bad_cursor() -> Invalid:
    return Invalid({"after": "Use `next` of the page before, unchanged."})
