"""Many changes of one set, looked at first and then made whole or not at all.

A plan compares digests and opens nothing. What is refused is named with its line, and while anything is, nothing is
stored.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from typing import Final
from uuid import UUID

from tenants.actions import lookup
from tenants.actions.parameter_deletion import delete_now
from tenants.actions.parameter_values import (
    MAX_PARAMETERS,
    Checked,
    NewValue,
    check,
    place_of,
    touch,
    versions_in_force,
    write,
)
from tenants.compartment import Compartment
from tenants.errors import Invalid, NotFound
from tenants.importing import Format, Refusal, parse
from tenants.records.models import Parameter, ParameterSet, ParameterVersion

_NAMED: Final = 20  # complaints that are told one by one


@dataclass(frozen=True, slots=True)
class Wanted:
    """A text of names and values, and which parameters to delete; either may be left out.

    `seen` is when the set had last been changed as somebody looked at the plan: another change since then is refused.
    """

    text: str = field(repr=False)
    form: Format
    deletes: tuple[UUID, ...] = ()
    seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen: names alone, never a value. Nothing can be stored while anything is refused."""

    added: list[str]
    changed: list[str]
    unchanged: list[str]
    refused: list[Refusal]
    deleted: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        found = {name: len(getattr(self, name)) for name in ("added", "changed", "unchanged", "refused")}
        return found | ({"deleted": len(self.deleted)} if self.deleted else {})


def plan(compartment: Compartment, parameter_set: ParameterSet, wanted: Wanted) -> tuple[Plan, list[Checked]]:
    """Return the plan and the values that it would store.

    Raises Invalid({"content": …}) when the text as a whole can't be taken, NotFound for what can't be deleted.
    """
    stored = {row.parameter.name: row for row in _in_force(parameter_set)}
    deleted = _deleted(stored, wanted.deletes)
    checked, refused = _read(wanted, deleted)
    new = [each for each in checked if each.name not in stored]
    if len(stored) - len(deleted) + len(new) > MAX_PARAMETERS:
        raise Invalid({"content": f"The set would hold more than {MAX_PARAMETERS} parameters: make another set."})
    same = _unchanged(compartment, stored, checked)
    found = Plan(
        added=sorted(each.name for each in new),
        changed=sorted(each.name for each in checked if each.name in stored and each.name not in same),
        unchanged=sorted(same),
        refused=sorted(refused, key=lambda each: each.line),
        deleted=sorted(deleted),
    )
    return found, [each for each in checked if each.name not in same]


def carry_out(
    compartment: Compartment, parameter_set: ParameterSet, wanted: Wanted, reason: str
) -> tuple[Plan, list[Parameter]]:
    """Return what was done, and what was written; the caller holds the set's lock and a transaction.

    Raises Invalid with each line that is refused (`line 3`), and for a set that has changed since it was `seen`.
    """
    if wanted.seen not in {None, parameter_set.changed_at}:
        raise Invalid(
            {"set": f"{parameter_set.changed_by} has changed the set meanwhile: this is what would happen now."}
        )
    found, values = plan(compartment, parameter_set, wanted)
    if found.refused:
        raise Invalid({f"line {each.line}": each.complaint for each in found.refused[:_NAMED]})
    delete_now(compartment, parameter_set, wanted.deletes)
    written = write(compartment, parameter_set, values, reason)
    touch(compartment, parameter_set)
    return found, written


def _read(wanted: Wanted, deleted: Collection[str]) -> tuple[list[Checked], list[Refusal]]:
    if wanted.deletes and not wanted.text.strip():
        return [], []
    entries, refused = parse(wanted.text, wanted.form)
    checked: list[Checked] = []
    for entry in entries:
        if entry.name in deleted:
            refused.append(Refusal(entry.line, entry.name, "This name is both set and deleted."))
            continue
        try:
            checked.append(check(NewValue(entry.name, entry.value)))
        except Invalid as error:
            refused.append(Refusal(entry.line, entry.name, error.words))
    return checked, refused


def _deleted(stored: dict[str, ParameterVersion], deletes: Collection[UUID]) -> set[str]:
    found = {name for name, row in stored.items() if row.parameter_id in deletes}
    if len(found) != len(set(deletes)):
        raise NotFound
    return found


def _in_force(parameter_set: ParameterSet) -> list[ParameterVersion]:
    rows = versions_in_force().filter(parameter__set=parameter_set)
    return list(rows.defer("sealed").select_related("parameter"))


def _unchanged(compartment: Compartment, stored: dict[str, ParameterVersion], checked: list[Checked]) -> set[str]:
    """Return the names whose stored value is the same, by their digests: nothing is opened."""
    known = [each for each in checked if each.name in stored and stored[each.name].size == len(each.raw)]
    key = lookup.lookup_key(compartment) if known else b""
    return {each.name for each in known if _same(compartment, key, stored[each.name], each.raw)}


def _same(compartment: Compartment, key: bytes, row: ParameterVersion, raw: bytes) -> bool:
    place = place_of(compartment, row.parameter_id, row.version)
    return row.digest is not None and compare_digest(bytes(row.digest), lookup.digest(key, place, lookup.tag(key, raw)))
