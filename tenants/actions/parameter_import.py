"""Import: a file of names and values into a set, looked at first, then stored whole or not at all."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tenants import validation
from tenants.actions.audit import record
from tenants.actions.parameter_plan import Plan, Wanted, carry_out, plan
from tenants.actions.parameter_values import hold_added, live_sets
from tenants.actions.rows import fetch
from tenants.compartment import Compartment, requires
from tenants.importing import MAX_BYTES, Format
from tenants.roles import Permission

__all__ = ["MAX_BYTES", "Format", "import_parameters", "preview_import"]


@requires(Permission.PARAMETERS_WRITE)
def preview_import(compartment: Compartment, set_id: UUID, *, text: str, form: Format) -> Plan:
    """Say what importing would do. The log says that somebody looked: `unchanged` tells that a value was guessed.

    Raises Invalid({"content": …}) when the text as a whole can't be read.
    """
    parameter_set = fetch(live_sets(), id=set_id)
    found, _ = plan(compartment, parameter_set, Wanted(text, form))
    with compartment.transaction(durable=True):
        record(compartment, "parameters.import_previewed", parameter_set.name, id=str(set_id), **found.counts)
    return found


@requires(Permission.PARAMETERS_WRITE)
def import_parameters(
    compartment: Compartment,
    set_id: UUID,
    *,
    text: str,
    form: Format,
    reason: str = "",
    seen: datetime | None = None,
) -> Plan:
    """Store what the text holds, all of it; what is unchanged gets no new version.

    Raises Invalid with each line that is refused (`line 3`), or when the set was changed after it was `seen`; then
    nothing was stored.
    """
    why = validation.title_or_nothing(reason, "reason")
    with compartment.transaction():
        parameter_set = fetch(live_sets().select_for_update(), id=set_id)
        done, written = carry_out(compartment, parameter_set, Wanted(text, form, seen=seen), why)
        names = {"added": done.added, "changed": done.changed}
        record(compartment, "parameters.imported", parameter_set.name, id=str(set_id), reason=why, **names)
        hold_added(compartment, written)
    return done
