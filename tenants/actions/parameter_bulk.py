"""Many values and deletions that a person typed, looked at first, then made whole or not at all."""

from __future__ import annotations

from uuid import UUID

from tenants import validation
from tenants.actions.audit import record
from tenants.actions.parameter_plan import Plan, Wanted, carry_out, plan
from tenants.actions.parameter_values import hold_added, live_sets
from tenants.actions.rows import fetch
from tenants.compartment import Compartment, requires
from tenants.roles import Permission


@requires(Permission.PARAMETERS_WRITE)
def preview_bulk(compartment: Compartment, set_id: UUID, wanted: Wanted) -> Plan:
    """Say what would be done. The log says that somebody looked: `unchanged` tells that a value was guessed.

    Raises Invalid({"content": …}) when the text as a whole can't be read, NotFound for what can't be deleted.
    """
    parameter_set = fetch(live_sets(), id=set_id)
    found, _ = plan(compartment, parameter_set, wanted)
    with compartment.transaction(durable=True):
        record(compartment, "parameters.bulk_previewed", parameter_set.name, id=str(set_id), **found.counts)
    return found


@requires(Permission.PARAMETERS_WRITE)
def apply_bulk(compartment: Compartment, set_id: UUID, wanted: Wanted, *, reason: str = "") -> Plan:
    """Do all of it; what is unchanged gets no new version. Raises as `import_parameters` does."""
    why = validation.title_or_nothing(reason, "reason")
    with compartment.transaction():
        parameter_set = fetch(live_sets().select_for_update(), id=set_id)
        done, written = carry_out(compartment, parameter_set, wanted, why)
        detail = {"set": sorted([*done.added, *done.changed]), "deleted": done.deleted}
        record(compartment, "parameters.applied", parameter_set.name, id=str(set_id), **detail, reason=why)
        hold_added(compartment, written)
    return done
