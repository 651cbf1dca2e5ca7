"""Deleting, with 30 days to think again: what is deleted reaches no build, counts nowhere and frees its name.

Then it is shredded: `shred` (tenants/shredding.py calls it when it is due) deletes the rows with their sealed bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from django.db.models import Count, Model, Q, QuerySet
from django.db.models.functions import Now
from django.db.transaction import on_commit

from tenants.actions.audit import ids, record
from tenants.actions.parameter_reminders import remind
from tenants.actions.parameter_values import MAX_PARAMETERS, live_parameters, live_sets, touch
from tenants.actions.rows import fetch, unique
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid, NotFound
from tenants.limits import Thing, hold
from tenants.pagination import Page, PageRequest, newest_first
from tenants.records.models import Parameter, ParameterSet
from tenants.registry.due import Due, announce, database_now, done
from tenants.roles import Permission

M = TypeVar("M", bound=Model)

KEPT: Final = timedelta(days=30)


@requires(Permission.PARAMETERS_WRITE)
def delete_set(compartment: Compartment, set_id: UUID) -> None:
    with compartment.transaction():
        parameter_set = fetch(live_sets().select_for_update(), id=set_id)
        names = list(parameter_set.parameters.filter(deleted_at=None).order_by("name").values_list("name", flat=True))
        _mark(compartment, ParameterSet.objects.filter(id=set_id), [set_id])
        record(compartment, "parameters.deleted", parameter_set.name, id=str(set_id), names=names)


@requires(Permission.PARAMETERS_WRITE)
def delete_parameter(compartment: Compartment, set_id: UUID, parameter_id: UUID) -> None:
    with compartment.transaction():
        parameter_set = fetch(live_sets().select_for_update(), id=set_id)
        [name] = delete_now(compartment, parameter_set, [parameter_id])
        touch(compartment, parameter_set)
        record(compartment, "parameter.deleted", f"{parameter_set.name}/{name}", id=str(parameter_id), of=str(set_id))


@requires(Permission.PARAMETERS_LIST)
def list_deleted_sets(compartment: Compartment, page: PageRequest) -> Page[ParameterSet]:
    """Return what can be restored, the last deleted first, each with its `size`; shredded `KEPT` after deleted_at."""
    size = Count("parameters", filter=Q(parameters__deleted_at=None))
    rows = _restorable(ParameterSet.objects.all()).annotate(size=size)  # type: ignore[no-redef]  # the model says so for who reads it
    return newest_first(rows, page, by="deleted_at")


@requires(Permission.PARAMETERS_LIST)
def list_deleted_parameters(compartment: Compartment, set_id: UUID, page: PageRequest) -> Page[Parameter]:
    rows = Parameter.objects.filter(set_id=set_id, set__deleted_at=None)
    return newest_first(_restorable(rows), page, by="deleted_at")


@requires(Permission.PARAMETERS_LIST)
def get_deleted_set(compartment: Compartment, set_id: UUID) -> ParameterSet:
    return fetch(_restorable(ParameterSet.objects.all()), id=set_id)


@requires(Permission.PARAMETERS_LIST)
def get_deleted_parameter(compartment: Compartment, set_id: UUID, parameter_id: UUID) -> Parameter:
    """Return the parameter, with its `.set`."""
    rows = Parameter.objects.filter(set_id=set_id, set__deleted_at=None).select_related("set")
    return fetch(_restorable(rows), id=parameter_id)


@requires(Permission.PARAMETERS_WRITE)
def restore_set(compartment: Compartment, set_id: UUID) -> ParameterSet:
    """Raises Invalid when another set has taken the name, and NotFound once the time is over."""
    taken = "Another set has this name now: rename or delete that one first."
    with unique("name", taken), compartment.transaction():
        parameter_set = fetch(_restorable(ParameterSet.objects.select_for_update()), id=set_id)
        parameter_set.deleted_at, parameter_set.deleted_by = None, ""
        parameter_set.save(update_fields=["deleted_at", "deleted_by"])
        remind(compartment, live_parameters(set_id).exclude(expires_on=None), at_once=True)
        record(compartment, "parameters.restored", parameter_set.name, id=str(set_id))
        hold(compartment, Thing.PARAMETERS)
    return parameter_set


@requires(Permission.PARAMETERS_WRITE)
def restore_parameter(compartment: Compartment, set_id: UUID, parameter_id: UUID) -> Parameter:
    """Raises Invalid when the name is taken or the set is full, and NotFound once the time is over."""
    taken = "The set has another parameter of this name now: delete that one first."
    with unique("name", taken), compartment.transaction():
        parameter_set = fetch(live_sets().select_for_update(), id=set_id)
        parameter = fetch(_restorable(Parameter.objects.filter(set=parameter_set)), id=parameter_id)
        if live_parameters(set_id).count() >= MAX_PARAMETERS:
            raise Invalid({"name": f"A set holds at most {MAX_PARAMETERS} parameters: delete another first."})
        parameter.deleted_at, parameter.deleted_by = None, ""
        parameter.save(update_fields=["deleted_at", "deleted_by"])
        remind(compartment, [parameter], at_once=True)
        touch(compartment, parameter_set)
        subject = f"{parameter_set.name}/{parameter.name}"
        record(compartment, "parameter.restored", subject, **ids(parameter), version=parameter.version)
        hold(compartment, Thing.PARAMETERS)
    return parameter


def delete_now(compartment: Compartment, parameter_set: ParameterSet, ids: Sequence[UUID]) -> list[str]:
    """Delete parameters of a set whose lock the caller holds; return their names. Raises NotFound if one is missing."""
    if not ids:
        return []
    rows = live_parameters(parameter_set.id).filter(id__in=ids)
    names = sorted(rows.values_list("name", flat=True))
    if len(names) != len(set(ids)):
        raise NotFound
    _mark(compartment, Parameter.objects.filter(id__in=ids), ids)
    return names


def shred(compartment: Compartment, item_id: UUID) -> datetime | None:
    """Delete for good what has been deleted long enough, and its sealed bytes with it; within a transaction.

    Returns when to come again, if it is too early; None when there is nothing more to do, and the hint is forgotten:
    while the row is locked, so that whoever deletes it next writes a new one; with a row that goes, once it is gone.
    """
    forget = partial(done, compartment.tenant.id, item_id, Due.Kind.SHRED)
    item = _locked(ParameterSet, item_id) or _locked(Parameter, item_id)
    if item is None or item.deleted_at is None:
        forget()  # restored, or gone
        return None
    if database_now() < item.deleted_at + KEPT:
        return item.deleted_at + KEPT  # restored, and deleted again
    if isinstance(item, ParameterSet):
        record(compartment, "parameters.shredded", item.name, id=str(item_id))
    else:
        record(compartment, "parameter.shredded", f"{item.set.name}/{item.name}", **ids(item))
    item.delete()
    on_commit(forget, using=compartment.alias)
    return None


def _locked(model: type[ParameterSet | Parameter], item_id: UUID) -> ParameterSet | Parameter | None:
    """Lock it whatever it says: somebody may be deleting or restoring it at this moment."""
    return model._default_manager.select_for_update().filter(id=item_id).first()  # noqa: SLF001


def _restorable(rows: QuerySet[M]) -> QuerySet[M]:
    return rows.filter(deleted_at__gt=Now() - KEPT)


def _mark(compartment: Compartment, rows: QuerySet[M], ids: Sequence[UUID]) -> None:
    # The hint is committed first, over the registry's connection: nothing deleted can lack one. Before that the rows
    # are locked: whoever is about to forget an old hint of theirs has done so, or waits and sees that they are deleted.
    list(rows.select_for_update().order_by("id").values_list("id"))
    at = database_now() + KEPT
    announce([(compartment.tenant.id, Due.Kind.SHRED, item, at) for item in ids])
    rows.update(deleted_at=Now(), deleted_by=compartment.actor.label)
