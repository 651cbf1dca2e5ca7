"""Search: by what is shown (names, descriptions, labels), and for the places where an exact value is used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from tenants import validation
from tenants.actions import lookup
from tenants.actions.audit import record
from tenants.actions.parameter_values import live_sets, place_of
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid
from tenants.records.models import Parameter, ParameterSet, ParameterVersion, Repository
from tenants.roles import Permission

MOST: Final = 50
MOST_USES: Final = 500
_UNTAGGED_AT_ONCE: Final = 100  # at most 6.4 MB in memory
_AT_ONCE: Final = 2_000
_NEEDED: Final = (
    "version",
    "parameter__name",
    "parameter__version",
    "parameter__deleted_at",
    "parameter__set__name",
    "parameter__set__deleted_at",
)


@dataclass(frozen=True, slots=True)
class Found:
    """What holds the text, at most MOST of each; parameters with their `.set`."""

    sets: list[ParameterSet]
    parameters: list[Parameter]
    repositories: list[Repository]


class State(StrEnum):
    IN_FORCE = "in force"
    EARLIER = "earlier"  # can be gone back to
    DELETED = "deleted"  # can be restored


@dataclass(frozen=True, slots=True)
class Use:
    """One version that holds the value."""

    set_id: UUID
    set_name: str
    parameter_id: UUID
    name: str
    version: int
    state: State


@dataclass(frozen=True, slots=True)
class Uses:
    """Of all versions that hold the value, the MOST_USES that were stored last, and how many `more` there are."""

    items: list[Use]
    more: int


@requires(Permission.PARAMETERS_LIST)
def search(compartment: Compartment, text: str) -> Found:
    """Find text in names, descriptions and labels (`name=value`), upper and lower case alike."""
    wanted = validation.title(text, "text")
    own = Q(name__icontains=wanted) | Q(description__icontains=wanted)
    sets = live_sets().annotate(labels=Cast("filters", TextField())).filter(own | Q(labels__icontains=wanted))
    parameters = Parameter.objects.filter(own, deleted_at=None, set__deleted_at=None).select_related("set")
    repositories = Repository.objects.annotate(text=Cast("labels", TextField()))
    return Found(
        list(sets.order_by("name")[:MOST]),
        list(parameters.order_by("set__name", "name")[:MOST]),
        list(repositories.filter(Q(name__icontains=wanted) | Q(text__icontains=wanted)).order_by("name")[:MOST]),
    )


@requires(Permission.PARAMETERS_WRITE)
def find_value(compartment: Compartment, value: str) -> Uses:
    """Find where exactly this value is stored, also in earlier versions and in what is deleted, opening nothing.

    Whoever may ask can try guesses: so the log says that somebody asked, and the doors limit how often.
    """
    raw = validation.parameter_value(value)
    if not raw:
        raise Invalid({"value": "Enter the value to look for."})
    key = lookup.lookup_key(compartment)
    _complete(compartment, key)
    wanted = lookup.tag(key, raw)
    # However many versions are as long: no row becomes an object before it is known to hold the value.
    rows = ParameterVersion.objects.filter(size=len(raw)).values_list("pk", "parameter_id", "version", "digest")
    holders = sorted(row[0] for row in rows.iterator(_AT_ONCE) if _holds(compartment, key, row, wanted))
    with compartment.transaction(durable=True):
        record(compartment, "parameters.value_searched", "", found=len(holders))
    shown = ParameterVersion.objects.filter(pk__in=holders[-MOST_USES:]).select_related("parameter__set")
    uses = [_use(row) for row in shown.only(*_NEEDED)] if holders else []
    uses.sort(key=lambda use: (use.set_name, use.name, -use.version))
    return Uses(uses, max(0, len(holders) - MOST_USES))


def _holds(compartment: Compartment, key: bytes, row: tuple[int, UUID, int, Any], wanted: bytes) -> bool:
    _, parameter, version, digest = row
    expected = lookup.digest(key, place_of(compartment, parameter, version), wanted)
    return compare_digest(expected, bytes(digest or b""))


def _use(row: ParameterVersion) -> Use:
    parameter = row.parameter
    deleted = parameter.deleted_at is not None or parameter.set.deleted_at is not None
    in_force = State.IN_FORCE if row.version == parameter.version else State.EARLIER
    return Use(
        set_id=parameter.set_id,
        set_name=parameter.set.name,
        parameter_id=parameter.id,
        name=parameter.name,
        version=row.version,
        state=State.DELETED if deleted else in_force,
    )


def _complete(compartment: Compartment, key: bytes) -> None:
    """Give their digests to versions that were stored before there were any: once, in batches."""
    while rows := list(ParameterVersion.objects.filter(digest=None)[:_UNTAGGED_AT_ONCE]):
        for row in rows:
            place = place_of(compartment, row.parameter_id, row.version)
            raw = compartment.open(place, bytes(row.sealed))
            row.size, row.digest = len(raw), lookup.digest(key, place, lookup.tag(key, raw))
        ParameterVersion.objects.bulk_update(rows, ["size", "digest"])
