"""Labels of repositories and the filters that match them.

A label is stored as the text `name=value` (a name has no `=`), so that PostgreSQL's containment of arrays compares
whole labels; pairs nested as arrays would match `linux=os` for `os=linux`, because containment ignores order.
A filter is a list of alternatives, each a list of labels: it matches a repository that carries every label of any
one alternative. An empty filter matches every repository.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

Pair = tuple[str, str]
Filters = list[list[Pair]]

# An alternative without a label would be contained in everything, so it matches nothing.
_MATCH: Final = """({filters} = '[]'::jsonb OR EXISTS (SELECT FROM jsonb_array_elements({filters}) AS alternative
    WHERE alternative <> '[]'::jsonb AND {labels} @> alternative))"""


def matching(filters: str, labels: str) -> str:
    """Return the condition, as SQL, that a column of filters matches a column of labels."""
    return _MATCH.format(filters=filters, labels=labels)


def ssh_key_reaches(repository: str) -> RawSQL:
    """Return the condition that an SSH key's filters match the labels of the repository of this name."""
    match = _MATCH.format(filters="ssh_keys.filters", labels="repositories.labels")
    sql = f"EXISTS (SELECT FROM repositories WHERE repositories.name = %s AND {match})"
    return RawSQL(sql, [repository], BooleanField())  # noqa: S611 - only the parameter varies


def repository_matches(filters: list[list[str]]) -> RawSQL:
    """Return the condition that a repository's labels are matched by these stored filters."""
    sql = _MATCH.format(filters="%s::jsonb", labels="repositories.labels")
    return RawSQL(sql, [json.dumps(filters)] * 2, BooleanField())  # noqa: S611 - only the parameters vary


def stored(pairs: Iterable[Pair]) -> list[str]:
    return sorted({f"{name}={value}" for name, value in pairs})


def pairs(labels: Iterable[str]) -> list[Pair]:
    return [(name, value) for name, _, value in (label.partition("=") for label in labels)]


def stored_filters(filters: Iterable[Iterable[Pair]]) -> list[list[str]]:
    return [stored(alternative) for alternative in filters]


def filter_pairs(filters: Iterable[Iterable[str]]) -> list[list[Pair]]:
    return [pairs(alternative) for alternative in filters]
