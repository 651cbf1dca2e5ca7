"""What other labels would change for a repository's builds: names of parameters, what wins, and SSH keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connections

from tenants import validation
from tenants.actions.in_reach import MAX_IN_REACH
from tenants.actions.precedence import WINS_FIRST
from tenants.actions.reach_changes import RepositoryReach, compare
from tenants.actions.rows import fetch
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid
from tenants.records.labels import Pair, matching, stored
from tenants.records.models import Repository
from tenants.roles import Permission

MOST: Final = 2 * MAX_IN_REACH  # values, by the labels before and after together: builds are refused half of it

_SIDES: Final = "(VALUES ('before', %(before)s::jsonb), ('after', %(after)s::jsonb)) r (side, labels)"
_VALUES: Final = f"""
SELECT r.side, p.name, s.name FROM {_SIDES}
JOIN parameter_sets s ON s.deleted_at IS NULL AND r.labels IS NOT NULL AND {matching("s.filters", "r.labels")}
JOIN parameters p ON p.set_id = s.id AND p.deleted_at IS NULL
ORDER BY {WINS_FIRST} LIMIT %(most)s"""  # noqa: S608 - parts of ours
_KEYS: Final = f"""
SELECT DISTINCT r.side, k.name FROM {_SIDES}
JOIN ssh_keys k ON k.retired_at IS NULL AND r.labels IS NOT NULL AND {matching("k.filters", "r.labels")}
ORDER BY k.name LIMIT %(most)s"""  # noqa: S608 - parts of ours


@dataclass(frozen=True, slots=True)
class LabelsPreview:
    change: RepositoryReach
    keys_gained: list[str]
    keys_lost: list[str]


@requires(Permission.PARAMETERS_LIST)
def preview_labels(
    compartment: Compartment, labels: Sequence[Pair], *, repository_id: UUID | None = None
) -> LabelsPreview:
    """Return what saving `labels` would change for the repository; without one, what a new one would get.

    Raises Invalid for more values than builds get.
    """
    after = stored(validation.labels(labels))
    own = fetch(Repository.objects.all(), id=repository_id) if repository_id else Repository(labels=None)
    rows = _rows(compartment, _VALUES, own.labels, after)
    if len(rows) > MOST:
        raise Invalid({"labels": f"They reach more than {MAX_IN_REACH} values: narrow the filters of the sets."})
    holders: dict[str, dict[str, list[str]]] = {"before": {}, "after": {}}
    for side, name, source in rows:
        holders[side].setdefault(name, []).append(source)
    keys = _rows(compartment, _KEYS, own.labels, after)
    had, has = ({name for side, name in keys if side == which} for which in ("before", "after"))
    return LabelsPreview(compare(own.name, holders["before"], holders["after"]), sorted(has - had), sorted(had - has))


def _rows(compartment: Compartment, query: str, before: list[str] | None, after: list[str]) -> list[tuple[Any, ...]]:
    sides = {"before": None if before is None else json.dumps(before), "after": json.dumps(after), "most": MOST + 1}
    with connections[compartment.alias].cursor() as cursor:
        cursor.execute(query, sides)
        return list(cursor.fetchall())
