"""A parameter's versions: who, when, why; which are alike; and going back to one. No value leaves.

Telling whether two versions are alike, and going back, open values inside the action. What comes out is a fingerprint
under the tenant's own key and a length that is rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from uuid import UUID

from secrets_vault import KeyServiceDenied, KeyServiceUnavailable
from tenants import validation
from tenants.actions import lookup
from tenants.actions.audit import ids, record
from tenants.actions.parameter_values import add_versions, live_parameters, live_sets, place_of, touch
from tenants.actions.rows import fetch
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid, NotFound
from tenants.pagination import Page, PageRequest, by_version
from tenants.records.models import Parameter, ParameterVersion
from tenants.roles import Permission


@dataclass(frozen=True, slots=True)
class Version:
    """One version, for people to see. `fingerprint` is empty while the key service can't be reached."""

    version: int
    author: str
    reason: str
    created_at: datetime
    in_force: bool
    length: str  # rounded: "16 to 31 bytes"
    fingerprint: str  # alike for equal values of this parameter, and for no other's


@dataclass(frozen=True, slots=True)
class Comparison:
    left: Version
    right: Version
    same: bool


@requires(Permission.PARAMETERS_LIST)
def list_versions(compartment: Compartment, set_id: UUID, parameter_id: UUID, page: PageRequest) -> Page[Version]:
    """Return a parameter's versions, the newest first."""
    parameter = fetch(live_parameters(set_id), id=parameter_id)
    found = by_version(ParameterVersion.objects.filter(parameter=parameter), page)
    return Page(_shown(compartment, parameter, found.items), found.next)


@requires(Permission.PARAMETERS_LIST)
def compare_versions(
    compartment: Compartment, set_id: UUID, parameter_id: UUID, *, left: int, right: int
) -> Comparison:
    """Say whether two versions hold the same value. Raises KeyServiceUnavailable and KeyServiceDenied."""
    parameter = fetch(live_parameters(set_id), id=parameter_id)
    found = {
        row.version: row for row in ParameterVersion.objects.filter(parameter=parameter, version__in=[left, right])
    }
    if not {left, right} <= found.keys():
        raise NotFound
    same = compare_digest(_opened(compartment, found[left]), _opened(compartment, found[right]))
    first, second = _shown(compartment, parameter, [found[left], found[right]])
    return Comparison(first, second, same)


@requires(Permission.PARAMETERS_WRITE)
def roll_back(
    compartment: Compartment, set_id: UUID, parameter_id: UUID, *, version: int, reason: str = ""
) -> Parameter:
    """Store an earlier value anew, as the next version; for this nobody needs to be able to read it."""
    why = validation.title_or_nothing(reason, "reason")
    with compartment.transaction():
        parameter_set = fetch(live_sets().select_for_update(), id=set_id)
        parameter = fetch(live_parameters(set_id), id=parameter_id)
        if version == parameter.version:
            raise Invalid({"version": "This version is in force already: choose an earlier one."})
        raw = _opened(compartment, fetch(ParameterVersion.objects.filter(parameter=parameter), version=version))
        parameter.version += 1
        parameter.save(update_fields=["version"])
        add_versions(compartment, [(parameter, raw)], why or f"Back to version {version}")
        touch(compartment, parameter_set)
        subject = f"{parameter_set.name}/{parameter.name}"
        versions = {"to": version, "version": parameter.version}
        record(compartment, "parameter.rolled_back", subject, **ids(parameter), **versions, reason=why)
    return parameter


def rounded_length(size: int) -> str:
    """Return a length from which a value can't be guessed: the powers of two it lies between."""
    if size < 8:  # noqa: PLR2004 - one key press more or less is what must not show
        return "empty" if size == 0 else "under 8 bytes"
    low = 1 << (size.bit_length() - 1)
    return f"{low:,} to {2 * low - 1:,} bytes"


def _shown(compartment: Compartment, parameter: Parameter, rows: Sequence[ParameterVersion]) -> list[Version]:
    try:
        key = lookup.lookup_key(compartment) if rows else b""
        values = [_opened(compartment, row) for row in rows]
    except (KeyServiceUnavailable, KeyServiceDenied):
        return [_version(parameter, row, row.size, "") for row in rows]
    return [
        _version(parameter, row, len(raw), lookup.fingerprint(key, parameter.id, raw))
        for row, raw in zip(rows, values, strict=True)
    ]


def _version(parameter: Parameter, row: ParameterVersion, size: int, fingerprint: str) -> Version:
    return Version(
        version=row.version,
        author=row.author,
        reason=row.reason,
        created_at=row.created_at,
        in_force=row.version == parameter.version,
        length=rounded_length(size),
        fingerprint=fingerprint,
    )


def _opened(compartment: Compartment, row: ParameterVersion) -> bytes:
    return compartment.open(place_of(compartment, row.parameter_id, row.version), bytes(row.sealed))
