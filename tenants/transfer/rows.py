"""Names, labels and addresses among imported rows obey the rules that every door enforces on what customers enter.

A build's environment, a label filter's reach and a link on a page are made of them, so nobody may bring in by file
what nobody could have typed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Final

from psycopg import sql

from tenants import validation
from tenants.errors import Invalid
from tenants.records.labels import filter_pairs, pairs, stored, stored_filters
from tenants.transfer.archive import member_of
from tenants.transfer.errors import BadArchive
from tenants.transfer.tables import as_provisioner, stream

Check = Callable[[str], bool]
"""Whether a value, as text, is one that our own code would have stored."""


def _labels(text: str) -> bool:
    labels = json.loads(text)
    return bool(stored(validation.labels(pairs(labels))) == labels)


def _filters(text: str) -> bool:
    filters = json.loads(text)
    return bool(stored_filters(validation.filters(filter_pairs(filters))) == filters)


def _name(text: str) -> bool:
    return validation.name(text) == text


_RULES: Final[Mapping[str, Mapping[str, Check]]] = {
    "parameter_sets": {"name": _name, "filters": _filters},
    "parameters": {"name": lambda text: validation.variable(text) == text},
    "repositories": {
        "name": _name,
        "url": lambda text: validation.repository_url(text) == text,
        "labels": _labels,
    },
    "ssh_keys": {"name": _name, "filters": _filters},
}


def check_rows(schema: str, using: str) -> None:
    """Raise BadArchive for the first value that no door would have let in."""
    for table, rules in _RULES.items():
        columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in rules)
        statement = sql.SQL("SELECT id::text, {} FROM {}").format(columns, sql.Identifier(schema, table))
        with as_provisioner(using), closing(stream(statement, using)) as found:
            for identity, *values in found:
                for (column, check), value in zip(rules.items(), values, strict=True):
                    if not _holds(check, value):
                        raise BadArchive(member_of(table), f"{column} of {identity} is not what may stand there")


def _holds(check: Check, value: Any) -> bool:
    try:
        return check(value)
    except (Invalid, ValueError, TypeError, AttributeError, RecursionError):  # of any JSON at all, not ours alone
        return False
