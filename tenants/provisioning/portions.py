"""Look at many schemas, some of them in one statement, and one by one where that is stopped: none hides the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from django.db import DatabaseError

T = TypeVar("T")
Read = Callable[[Sequence[str]], Mapping[str, T]]

# lock_not_available, query_canceled (statement_timeout), undefined_table and internal_error (dropped while it was being
# looked at), data_corrupted and index_corrupted. All else is no schema's own trouble.
_OF_ONE: Final = frozenset({"55P03", "57014", "42P01", "XX000", "XX001", "XX002"})


@dataclass(frozen=True, slots=True)
class Portion(Generic[T]):
    """What was found of some schemas, by name, and why nothing was found out about others."""

    found: Mapping[str, T]
    missing: Sequence[str]
    unread: Mapping[str, str]


def portions(read: Read[T], names: Sequence[str], *, size: int) -> Iterator[Portion[T]]:
    """Read `size` schemas at a time. Raises DatabaseError for what is not the matter of a single one."""
    for first in range(0, len(names), size):
        some = names[first : first + size]
        try:
            yield _portion(some, read(some), {})
        except DatabaseError as error:
            _why(error)
            yield _one_by_one(read, some)


def _one_by_one(read: Read[T], names: Sequence[str]) -> Portion[T]:
    found: dict[str, T] = {}
    unread: dict[str, str] = {}
    for name in names:
        try:
            found.update(read([name]))
        except DatabaseError as error:
            unread[name] = _why(error)
    return _portion(names, found, unread)


def _portion(names: Sequence[str], found: Mapping[str, T], unread: Mapping[str, str]) -> Portion[T]:
    return Portion(found, [name for name in names if name not in found and name not in unread], unread)


def _why(error: DatabaseError) -> str:
    """Return the server's words. Raises the error where these are about more than one schema."""
    if getattr(error.__cause__, "sqlstate", None) not in _OF_ONE:
        raise error
    return str(error).partition("\n")[0]
