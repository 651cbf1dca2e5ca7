"""Import: a file of names and values into a set, looked at first, then stored whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest
from typing import Final
from uuid import UUID

from tenants import validation
from tenants.actions import lookup
from tenants.actions.audit import record
from tenants.actions.parameter_values import (
    MAX_PARAMETERS,
    Checked,
    NewValue,
    check,
    hold_added,
    live_sets,
    place_of,
    touch,
    versions_in_force,
    write,
)
from tenants.actions.rows import fetch
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid
from tenants.importing import MAX_BYTES, Format, Refusal, parse
from tenants.records.models import ParameterSet, ParameterVersion
from tenants.roles import Permission

__all__ = ["MAX_BYTES", "Format", "ImportPreview", "import_parameters", "preview_import"]

_NAMED: Final = 20  # complaints that are told one by one


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What an import would do: names alone, never a value. Nothing can be stored while anything is refused."""

    added: list[str]
    changed: list[str]
    unchanged: list[str]
    refused: list[Refusal]


@requires(Permission.PARAMETERS_WRITE)
def preview_import(compartment: Compartment, set_id: UUID, *, text: str, form: Format) -> ImportPreview:
    """Say what importing would do. The log says that somebody looked: `unchanged` tells that a value was guessed.

    Raises Invalid({"content": …}) when the text as a whole can't be read.
    """
    parameter_set = fetch(live_sets(), id=set_id)
    preview, _ = _plan(compartment, parameter_set, text, form)
    with compartment.transaction(durable=True):
        record(compartment, "parameters.import_previewed", parameter_set.name, id=str(set_id), **_counts(preview))
    return preview


@requires(Permission.PARAMETERS_WRITE)
def import_parameters(
    compartment: Compartment, set_id: UUID, *, text: str, form: Format, reason: str = ""
) -> ImportPreview:
    """Store what the text holds, all of it; what is unchanged gets no new version.

    Raises Invalid with each line that is refused (`line 3`), and then nothing was stored.
    """
    why = validation.title_or_nothing(reason, "reason")
    with compartment.transaction():
        parameter_set = fetch(live_sets().select_for_update(), id=set_id)
        preview, values = _plan(compartment, parameter_set, text, form)
        if preview.refused:
            raise Invalid({f"line {each.line}": each.complaint for each in preview.refused[:_NAMED]})
        written = write(compartment, parameter_set, values, why)
        touch(compartment, parameter_set)
        names = {"added": preview.added, "changed": preview.changed}
        record(compartment, "parameters.imported", parameter_set.name, id=str(set_id), reason=why, **names)
        hold_added(compartment, written)
    return preview


def _plan(
    compartment: Compartment, parameter_set: ParameterSet, text: str, form: Format
) -> tuple[ImportPreview, list[Checked]]:
    entries, refused = parse(text, form)
    checked: list[Checked] = []
    for entry in entries:
        try:
            checked.append(check(NewValue(entry.name, entry.value)))
        except Invalid as error:
            refused.append(Refusal(entry.line, entry.name, error.words))
    stored = {row.parameter.name: row for row in _in_force(parameter_set)}
    new = [each for each in checked if each.name not in stored]
    if len(stored) + len(new) > MAX_PARAMETERS:
        raise Invalid({"content": f"The set would hold more than {MAX_PARAMETERS} parameters: make another set."})
    same = _unchanged(compartment, stored, checked)
    preview = ImportPreview(
        added=sorted(each.name for each in new),
        changed=sorted(each.name for each in checked if each.name in stored and each.name not in same),
        unchanged=sorted(same),
        refused=sorted(refused, key=lambda each: each.line),
    )
    return preview, [each for each in checked if each.name not in same]


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


def _counts(preview: ImportPreview) -> dict[str, int]:
    return {
        "added": len(preview.added),
        "changed": len(preview.changed),
        "unchanged": len(preview.unchanged),
        "refused": len(preview.refused),
    }
