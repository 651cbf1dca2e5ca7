"""Parameter sets: written by whoever may, opened only for a build's repository, each opening in the log first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, DateField, F, Q, QuerySet
from django.db.models.functions import Cast, Now

from secrets_vault import Place
from tenants import validation
from tenants.actions import in_reach
from tenants.actions.audit import ids, record
from tenants.actions.in_reach import MAX_IN_REACH, Found
from tenants.actions.parameter_deletion import delete_now, delete_parameter, delete_set
from tenants.actions.parameter_reminders import DAYS_BEFORE, checked_day, remind
from tenants.actions.parameter_values import (
    NewValue,
    check,
    check_all,
    hold_added,
    live_parameters,
    live_sets,
    place_of,
    touch,
    write,
)
from tenants.actions.rows import fetch, unique
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid, NotFound
from tenants.pagination import Page, PageRequest, by_name
from tenants.records.labels import Pair, repository_matches, stored_filters
from tenants.records.models import Parameter, ParameterSet, ParameterVersion, Repository
from tenants.roles import Permission

REMINDED: Final = max(DAYS_BEFORE)  # days before its date, from when on a parameter is shown as expiring

__all__ = [
    "Environment",
    "apply_changes",
    "change_set",
    "create_set",
    "delete_parameter",
    "delete_set",
    "describe_parameter",
    "find_environments",
    "get_parameter",
    "get_set",
    "list_expiring",
    "list_parameters",
    "list_sets",
    "matching_repositories",
    "open_environment",
    "reveal_environment",
    "reveal_set",
    "set_parameter",
]

_REVEALED: Final = "parameters.revealed"
_TAKEN: Final = "A parameter set of this name exists already."


@dataclass(frozen=True, slots=True)
class Environment:
    """What one repository's builds get: value by name; and each name that several sets define, with who won."""

    values: dict[str, str] = field(repr=False)
    conflicts: dict[str, list[str]]


@requires(Permission.PARAMETERS_LIST)
def list_sets(compartment: Compartment, page: PageRequest, *, name: str | None = None) -> Page[ParameterSet]:
    """Return the sets, or the one of this name, counted as in `get_set`."""
    rows = _counted_sets()
    return by_name(rows if name is None else rows.filter(name=name), page)


@requires(Permission.PARAMETERS_LIST)
def get_set(compartment: Compartment, set_id: UUID) -> ParameterSet:
    """Return the set, with its `size` and how many of that are `expiring`, as in `list_expiring`."""
    return fetch(_counted_sets(), id=set_id)


@requires(Permission.PARAMETERS_LIST)
def list_parameters(compartment: Compartment, set_id: UUID) -> QuerySet[ParameterVersion]:
    """Return the versions in force (with `.parameter`), by name, at most MAX_PARAMETERS; without their sealed bytes."""
    in_force = ParameterVersion.objects.filter(
        parameter__set_id=set_id, parameter__deleted_at=None, version=F("parameter__version")
    )
    return in_force.select_related("parameter").defer("sealed").order_by("parameter__name")


@requires(Permission.PARAMETERS_LIST)
def get_parameter(compartment: Compartment, set_id: UUID, parameter_id: UUID) -> Parameter:
    """Return the parameter, with its `.set`."""
    return fetch(live_parameters(set_id).select_related("set"), id=parameter_id)


@requires(Permission.PARAMETERS_LIST)
def list_expiring(compartment: Compartment, within: int = REMINDED) -> list[Parameter]:
    """Return parameters (with `.set`) whose date has come or comes within so many days, by date; at most 100."""
    live = Parameter.objects.filter(deleted_at=None, set__deleted_at=None)
    soon = live.filter(expires_on__lte=_day_in(min(max(within, 0), 3650)))
    return list(soon.select_related("set").order_by("expires_on", "set__name", "name")[:100])


@requires(Permission.PARAMETERS_LIST)
def matching_repositories(compartment: Compartment, filters: Sequence[Sequence[Pair]]) -> list[str]:
    """Return the names of the repositories whose builds such filters reach; at most 100."""
    checked = stored_filters(validation.filters(filters))
    rows = Repository.objects.filter(repository_matches(checked)).order_by("name")
    return list(rows.values_list("name", flat=True)[:100])


@requires(Permission.PARAMETERS_WRITE)
def create_set(
    compartment: Compartment, *, name: str, description: str, filters: Sequence[Sequence[Pair]]
) -> ParameterSet:
    parameter_set = ParameterSet(
        name=validation.name(name),
        description=validation.remark(description),
        filters=stored_filters(validation.filters(filters)),
        changed_by=compartment.actor.label,
    )
    with unique("name", _TAKEN), compartment.transaction():
        parameter_set.save(force_insert=True)
        record(
            compartment,
            "parameters.created",
            parameter_set.name,
            id=str(parameter_set.id),
            filters=_lines(parameter_set),
        )
    parameter_set.size = parameter_set.expiring = 0
    return parameter_set


@requires(Permission.PARAMETERS_WRITE)
def change_set(
    compartment: Compartment, set_id: UUID, *, name: str, description: str, filters: Sequence[Sequence[Pair]]
) -> ParameterSet:
    with unique("name", _TAKEN), compartment.transaction():
        parameter_set = fetch(live_sets().select_for_update(), id=set_id)
        before = _lines(parameter_set)
        parameter_set.name = validation.name(name)
        parameter_set.description = validation.remark(description)
        parameter_set.filters = stored_filters(validation.filters(filters))
        parameter_set.save(update_fields=["name", "description", "filters"])
        touch(compartment, parameter_set)
        record(
            compartment,
            "parameters.changed",
            parameter_set.name,
            id=str(set_id),
            filters=_lines(parameter_set),
            filters_before=before,
        )
    return parameter_set


@requires(Permission.PARAMETERS_WRITE)
def set_parameter(
    compartment: Compartment,
    set_id: UUID,
    *,
    name: str,
    value: str,
    kind: str | None = None,
    description: str | None = None,
    expires_on: date | None = None,
    reason: str = "",
) -> Parameter:
    """Give a parameter a value: its next version, under a key of its own. What is None stays as it is."""
    checked = check(NewValue(name, value, kind, description, expires_on))
    why = validation.title_or_nothing(reason, "reason")
    with compartment.transaction():
        # The set's row is locked, so that two writers of one name make two versions, one after the other.
        parameter_set = fetch(live_sets().select_for_update(), id=set_id)
        [parameter] = write(compartment, parameter_set, [checked], why)
        touch(compartment, parameter_set)
        subject = f"{parameter_set.name}/{parameter.name}"
        record(compartment, "parameter.set", subject, **ids(parameter), version=parameter.version, reason=why)
        hold_added(compartment, [parameter])
    return parameter


@requires(Permission.PARAMETERS_WRITE)
def describe_parameter(
    compartment: Compartment, set_id: UUID, parameter_id: UUID, *, description: str, expires_on: date | None
) -> Parameter:
    """Say what a parameter is for and when to be reminded; its value, and so its version, stays."""
    checked, day = validation.remark(description), checked_day(expires_on) if expires_on else None
    with compartment.transaction():
        parameter_set = fetch(live_sets().select_for_update(), id=set_id)
        parameter = fetch(live_parameters(set_id), id=parameter_id)
        parameter.description, parameter.expires_on = checked, day
        parameter.save(update_fields=["description", "expires_on"])
        remind(compartment, [parameter])
        touch(compartment, parameter_set)
        subject = f"{parameter_set.name}/{parameter.name}"
        record(
            compartment, "parameter.described", subject, **ids(parameter), expires_on=day.isoformat() if day else None
        )
    return parameter


@requires(Permission.PARAMETERS_WRITE)
def apply_changes(
    compartment: Compartment,
    set_id: UUID,
    *,
    values: Sequence[NewValue] = (),
    deletes: Sequence[UUID] = (),
    reason: str = "",
) -> list[Parameter]:
    """Store many values and delete many parameters: all, or nothing and Invalid with every complaint by name."""
    checked, why = check_all(values), validation.title_or_nothing(reason, "reason")
    with compartment.transaction():
        parameter_set = fetch(live_sets().select_for_update(), id=set_id)
        dropped = delete_now(compartment, parameter_set, deletes)
        if both := sorted({each.name for each in checked} & set(dropped)):
            raise Invalid(dict.fromkeys(both, "This name is both set and deleted."))
        written = write(compartment, parameter_set, checked, why)
        touch(compartment, parameter_set)
        names = sorted(each.name for each in written)
        detail = {"set": names, "deleted": dropped}
        record(compartment, "parameters.applied", parameter_set.name, id=str(set_id), **detail, reason=why)
        hold_added(compartment, written)
    return written


@requires(Permission.PARAMETERS_REVEAL)
def reveal_set(compartment: Compartment, set_id: UUID) -> dict[str, str]:
    """Open all values of one set, for a person to export. The log says so before a value leaves."""
    parameter_set = fetch(live_sets(), id=set_id)
    rows = ParameterVersion.objects.filter(
        parameter__set=parameter_set, parameter__deleted_at=None, version=F("parameter__version")
    )
    values = {
        row.parameter.name: compartment.open(
            place_of(compartment, row.parameter_id, row.version), bytes(row.sealed)
        ).decode()
        for row in rows.select_related("parameter").order_by("parameter__name")
    }
    with compartment.transaction(durable=True):
        record(compartment, "parameters.exported", parameter_set.name, id=str(set_id), names=sorted(values))
    return values


@requires(Permission.PARAMETERS_REVEAL)
def reveal_environment(compartment: Compartment, repository_name: str) -> Environment:
    """Open what a repository's builds may have. The log says so before a value leaves."""
    [found] = find_environments([(compartment, repository_name)])
    if isinstance(found, Exception):
        raise found
    return open_environment(compartment, found)


def find_environments(asked: Sequence[tuple[Compartment, str]]) -> list[Found | NotFound | Invalid]:
    """Find what several people of one tenant ask for at once, in one statement with what the log says of it.

    In the order of `asked`, each with its repository's name; why there is none stands in its place.
    """
    for compartment, _ in asked:
        compartment.require(Permission.PARAMETERS_REVEAL)
    return in_reach.find(_REVEALED, asked, MAX_IN_REACH)


@requires(Permission.PARAMETERS_REVEAL)
def open_environment(compartment: Compartment, found: Found) -> Environment:
    """Open what `find_environments` found for the same person. Raises LimitReached, and nothing was opened."""
    chosen: dict[str, tuple[Place, bytes]] = {}
    sources: dict[str, list[str]] = {}
    for name, source, parameter, version, sealed in in_reach.settle(compartment, _REVEALED, found):
        chosen.setdefault(name, (place_of(compartment, parameter, version), sealed))
        sources.setdefault(name, []).append(source)
    opened = compartment.open_all(list(chosen.values()))
    values = {name: value.decode() for name, value in zip(chosen, opened, strict=True)}
    return Environment(values, {name: sets for name, sets in sources.items() if len(sets) > 1})


def _counted_sets() -> QuerySet[ParameterSet]:
    """Return the sets, each with `size`, how many parameters it holds, and how many of those are `expiring`."""
    live = Q(parameters__deleted_at=None)
    soon = live & Q(parameters__expires_on__lte=_day_in(REMINDED))
    return live_sets().annotate(  # type: ignore[no-redef]  # the model says so for who reads them
        size=Count("parameters", filter=live), expiring=Count("parameters", filter=soon)
    )


def _day_in(days: int) -> Cast:
    return Cast(Now() + timedelta(days=days), DateField())


def _lines(parameter_set: ParameterSet) -> list[str]:
    return [", ".join(alternative) for alternative in parameter_set.filters]
