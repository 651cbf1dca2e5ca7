"""Writing values: one or many in one transaction, each the next version of its parameter, under a key of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from secrets_vault import Place
from tenants import validation
from tenants.actions import lookup
from tenants.actions.parameter_reminders import checked_day, remind
from tenants.compartment import Compartment
from tenants.errors import Invalid
from tenants.limits import Thing, hold
from tenants.records.models import Parameter, ParameterSet, ParameterVersion

# An environment is one argument of execve(2); this keeps one request's work, and it, within bounds.
MAX_PARAMETERS: Final = 200


@dataclass(frozen=True, slots=True)
class NewValue:
    """A value to store. What is None stays as it is (a new parameter: text, no description, no date)."""

    name: str
    value: str = field(repr=False)
    kind: str | None = None
    description: str | None = None
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A value that may be stored."""

    name: str
    raw: bytes = field(repr=False)
    fields: dict[str, str | date]


def live_sets() -> QuerySet[ParameterSet]:
    return ParameterSet.objects.filter(deleted_at=None)


def live_parameters(set_id: UUID) -> QuerySet[Parameter]:
    return Parameter.objects.filter(set_id=set_id, set__deleted_at=None, deleted_at=None)


def versions_in_force() -> QuerySet[ParameterVersion]:
    return ParameterVersion.objects.filter(parameter__deleted_at=None, version=F("parameter__version"))


def place_of(compartment: Compartment, parameter_id: UUID | str, version: int) -> Place:
    return compartment.place("parameter_versions.sealed", parameter_id, version)


def check(new: NewValue) -> Checked:
    """Raises Invalid, naming the field."""
    fields: dict[str, str | date] = {}
    if new.kind is not None:
        fields["kind"] = _kind(new.kind)
    if new.description is not None:
        fields["description"] = validation.remark(new.description)
    if new.expires_on is not None:
        fields["expires_on"] = checked_day(new.expires_on)
    return Checked(validation.variable(new.name), validation.parameter_value(new.value), fields)


def check_all(values: Sequence[NewValue]) -> list[Checked]:
    """Raises Invalid with every complaint, each by the name that it is about, and for a name that comes twice."""
    checked: dict[str, Checked] = {}
    complaints: dict[str, str] = {}
    for new in values:
        try:
            one = check(new)
        except Invalid as error:
            complaints[new.name[:100] or "name"] = error.words
        else:
            if one.name in checked:
                complaints[one.name] = "This name comes twice."
            checked[one.name] = one
    if complaints:
        raise Invalid(complaints)
    return list(checked.values())


def write(
    compartment: Compartment, parameter_set: ParameterSet, values: Sequence[Checked], reason: str
) -> list[Parameter]:
    """Store the values; the caller holds the set's lock and a transaction. As many statements for one as for 200."""
    existing = {each.name: each for each in Parameter.objects.filter(set=parameter_set, deleted_at=None)}
    added = [Parameter(set=parameter_set, name=each.name) for each in values if each.name not in existing]
    if len(existing) + len(added) > MAX_PARAMETERS:
        raise Invalid({"name": f"A set holds at most {MAX_PARAMETERS} parameters: make another set."})
    changed = [existing[each.name] for each in values if each.name in existing]
    for parameter in changed:
        parameter.version += 1
    written = {each.name: each for each in (*added, *changed)}
    for each in values:
        for name, content in each.fields.items():
            setattr(written[each.name], name, content)
    Parameter.objects.bulk_create(added)
    Parameter.objects.bulk_update(changed, ["version", "kind", "description", "expires_on"])
    add_versions(compartment, [(written[each.name], each.raw) for each in values], reason)
    remind(compartment, [written[each.name] for each in values if "expires_on" in each.fields])
    return [written[each.name] for each in values]


def add_versions(compartment: Compartment, values: Sequence[tuple[Parameter, bytes]], reason: str) -> None:
    """Seal each value at its parameter's current version."""
    key = lookup.lookup_key(compartment)
    ParameterVersion.objects.bulk_create(
        _version(compartment, key, parameter, raw, reason) for parameter, raw in values
    )


def hold_added(compartment: Compartment, written: Sequence[Parameter]) -> None:
    """Call once the log names what was written, in its transaction: a new parameter counts, a new value does not."""
    if any(parameter.version == 1 for parameter in written):
        hold(compartment, Thing.PARAMETERS)


def touch(compartment: Compartment, parameter_set: ParameterSet) -> None:
    ParameterSet.objects.filter(id=parameter_set.id).update(changed_at=Now(), changed_by=compartment.actor.label)


def _version(compartment: Compartment, key: bytes, parameter: Parameter, raw: bytes, reason: str) -> ParameterVersion:
    place = place_of(compartment, parameter.id, parameter.version)
    return ParameterVersion(
        parameter=parameter,
        version=parameter.version,
        sealed=compartment.seal(place, raw),
        author=compartment.actor.label,
        reason=reason,
        size=len(raw),
        digest=lookup.digest(key, place, lookup.tag(key, raw)),
    )


def _kind(kind: str) -> str:
    if kind not in Parameter.Kind.values:
        raise Invalid({"kind": "Choose text or file."})
    return kind
