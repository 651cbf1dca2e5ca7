"""How much of everything a tenant has."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from tenants.compartment import Compartment, requires
from tenants.records.counts import counts
from tenants.registry.models import Connection
from tenants.roles import Permission


@dataclass(frozen=True, slots=True)
class Counts:
    repositories: int
    parameter_sets: int
    ssh_keys: int
    connections: int  # proposed or active
    unread_messages: int  # that can still be read


@requires(Permission.REPOSITORIES_LIST)
def count(compartment: Compartment) -> Counts:
    mine = Q(provider=compartment.tenant) | Q(consumer=compartment.tenant)
    repositories, parameter_sets, ssh_keys, unread = counts(compartment.alias)
    return Counts(
        repositories=repositories,
        parameter_sets=parameter_sets,
        ssh_keys=ssh_keys,
        connections=Connection.objects.filter(mine).exclude(state=Connection.State.ENDED).count(),
        unread_messages=unread,
    )
