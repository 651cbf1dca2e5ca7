"""Parameter sets: written by whoever may, opened only for a build's repository, each opening in the log first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now

from secrets_vault import Place
from tenants import validation
from tenants.actions.audit import record
from tenants.actions.rows import fetch, unique
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid
from tenants.pagination import Page, PageRequest, by_name
from tenants.records.labels import Pair, repository_matches, set_matches, stored_filters
from tenants.records.models import Parameter, ParameterSet, ParameterVersion, Repository
from tenants.roles import Permission

# A build's environment is one argument of execve(2); these keep one request's work, and it, within bounds.
MAX_PARAMETERS: Final = 200
MAX_IN_REACH: Final = 2_000

_TAKEN: Final = "A parameter set of this name exists already."


@dataclass(frozen=True, slots=True)
class Environment:
    """What one repository's builds get: value by name; and each name that several sets define, with who won."""

    values: dict[str, str] = field(repr=False)
    conflicts: dict[str, list[str]]


@requires(Permission.PARAMETERS_LIST)
def list_sets(compartment: Compartment, page: PageRequest, *, name: str | None = None) -> Page[ParameterSet]:
    """Return the sets, or the one of this name, each with `size`: how many parameters it holds."""
    rows = _live_sets().annotate(size=Count("parameters", filter=Q(parameters__deleted_at=None)))
    return by_name(rows if name is None else rows.filter(name=name), page)


@requires(Permission.PARAMETERS_LIST)
def get_set(compartment: Compartment, set_id: UUID) -> ParameterSet:
    return fetch(_live_sets(), id=set_id)


@requires(Permission.PARAMETERS_LIST)
def list_parameters(compartment: Compartment, set_id: UUID) -> QuerySet[ParameterVersion]:
    """Return the versions in force (with `.parameter`), by name, at most MAX_PARAMETERS; without their sealed bytes."""
    in_force = ParameterVersion.objects.filter(
        parameter__set_id=set_id, parameter__deleted_at=None, version=F("parameter__version")
    )
    return in_force.select_related("parameter").defer("sealed").order_by("parameter__name")


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
        record(compartment, "parameters.created", parameter_set.name, filters=_lines(parameter_set))
    return parameter_set


@requires(Permission.PARAMETERS_WRITE)
def change_set(
    compartment: Compartment, set_id: UUID, *, name: str, description: str, filters: Sequence[Sequence[Pair]]
) -> ParameterSet:
    with unique("name", _TAKEN), compartment.transaction():
        parameter_set = fetch(_live_sets().select_for_update(), id=set_id)
        before = _lines(parameter_set)
        parameter_set.name = validation.name(name)
        parameter_set.description = validation.remark(description)
        parameter_set.filters = stored_filters(validation.filters(filters))
        parameter_set.save(update_fields=["name", "description", "filters"])
        _touch(compartment, parameter_set)
        record(
            compartment,
            "parameters.changed",
            parameter_set.name,
            filters=_lines(parameter_set),
            filters_before=before,
        )
    return parameter_set


@requires(Permission.PARAMETERS_WRITE)
def delete_set(compartment: Compartment, set_id: UUID) -> None:
    with compartment.transaction():
        parameter_set = fetch(_live_sets().select_for_update(), id=set_id)
        names = list(parameter_set.parameters.order_by("name").values_list("name", flat=True))
        parameter_set.delete()
        record(compartment, "parameters.deleted", parameter_set.name, names=names)


@requires(Permission.PARAMETERS_WRITE)
def set_parameter(compartment: Compartment, set_id: UUID, *, name: str, value: str) -> Parameter:
    """Give a parameter a value: its next version, under a key of its own."""
    checked, raw = validation.variable(name), validation.parameter_value(value)
    with compartment.transaction():
        # The set's row is locked, so that two writers of one name make two versions, one after the other.
        parameter_set = fetch(_live_sets().select_for_update(), id=set_id)
        parameter = _next_version(parameter_set, checked)
        sealed = compartment.seal(_place(compartment, parameter.id, parameter.version), raw)
        ParameterVersion.objects.create(
            parameter=parameter, version=parameter.version, sealed=sealed, author=compartment.actor.label
        )
        _touch(compartment, parameter_set)
        record(compartment, "parameter.set", f"{parameter_set.name}/{checked}", version=parameter.version)
    return parameter


@requires(Permission.PARAMETERS_WRITE)
def delete_parameter(compartment: Compartment, set_id: UUID, parameter_id: UUID) -> None:
    with compartment.transaction():
        parameter_set = fetch(_live_sets().select_for_update(), id=set_id)
        parameter = fetch(Parameter.objects.filter(set=parameter_set, deleted_at=None), id=parameter_id)
        parameter.delete()
        _touch(compartment, parameter_set)
        record(compartment, "parameter.deleted", f"{parameter_set.name}/{parameter.name}")


@requires(Permission.PARAMETERS_REVEAL)
def reveal_environment(compartment: Compartment, repository_name: str) -> Environment:
    """Open what a repository's builds may have. The log says so before a value leaves."""
    rows = _in_reach(compartment, repository_name)
    chosen: dict[str, ParameterVersion] = {}
    sources: dict[str, list[str]] = {}
    for row in rows:
        chosen.setdefault(row.parameter.name, row)
        sources.setdefault(row.parameter.name, []).append(row.parameter.set.name)
    values = {
        name: compartment.open(_place(compartment, row.parameter_id, row.version), bytes(row.sealed)).decode()
        for name, row in chosen.items()
    }
    conflicts = {name: sets for name, sets in sources.items() if len(sets) > 1}
    with compartment.transaction(durable=True):
        record(compartment, "parameters.revealed", repository_name, names=sorted(values))
    return Environment(values, conflicts)


def _live_sets() -> QuerySet[ParameterSet]:
    return ParameterSet.objects.filter(deleted_at=None)


def _next_version(parameter_set: ParameterSet, name: str) -> Parameter:
    """Return the parameter, counted up; the caller holds the set's lock."""
    parameter = Parameter.objects.filter(set=parameter_set, name=name, deleted_at=None).first()
    if parameter is not None:
        parameter.version += 1
        parameter.save(update_fields=["version"])
        return parameter
    if parameter_set.parameters.filter(deleted_at=None).count() >= MAX_PARAMETERS:
        raise Invalid({"name": f"A set holds at most {MAX_PARAMETERS} parameters: make another set."})
    parameter = Parameter(set=parameter_set, name=name)
    parameter.save(force_insert=True)
    return parameter


def _in_reach(compartment: Compartment, repository_name: str) -> list[ParameterVersion]:
    """Return the values in force that the repository's labels reach, the one that wins a name first.

    Precedence: the set with the more specific filter (most labels in an alternative that matches), then the newer.
    """
    repository = fetch(Repository.objects.all(), name=repository_name)
    reached = _live_sets().filter(set_matches(repository.labels))
    in_force = ParameterVersion.objects.filter(
        parameter__set__in=reached, parameter__deleted_at=None, version=F("parameter__version")
    )
    rows = list(in_force.select_related("parameter__set")[: MAX_IN_REACH + 1])
    if len(rows) > MAX_IN_REACH:
        raise Invalid(
            {"repository": f"Its labels reach more than {MAX_IN_REACH} values: narrow the filters of its sets."}
        )
    carried = set(repository.labels)
    return sorted(rows, key=lambda row: _precedence(row.parameter.set, carried), reverse=True)


def _precedence(parameter_set: ParameterSet, carried: set[str]) -> tuple[int, float, str]:
    matching = [len(alternative) for alternative in parameter_set.filters if carried.issuperset(alternative)]
    return max(matching, default=0), parameter_set.created_at.timestamp(), str(parameter_set.id)


def _place(compartment: Compartment, parameter_id: UUID, version: int) -> Place:
    return compartment.place("parameter_versions.sealed", parameter_id, version)


def _touch(compartment: Compartment, parameter_set: ParameterSet) -> None:
    ParameterSet.objects.filter(id=parameter_set.id).update(changed_at=Now(), changed_by=compartment.actor.label)


def _lines(parameter_set: ParameterSet) -> list[str]:
    return [", ".join(alternative) for alternative in parameter_set.filters]
