"""How much of everything a tenant has."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.db.models.functions import Now

from tenants.compartment import Compartment, requires
from tenants.records.models import ParameterSet, ReceivedMessage, Repository, SSHKey
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
    unread = ReceivedMessage.objects.filter(read_at=None, removed_at=None, expires_at__gt=Now())
    return Counts(
        repositories=Repository.objects.count(),
        parameter_sets=ParameterSet.objects.count(),
        ssh_keys=SSHKey.objects.count(),
        connections=Connection.objects.filter(mine).exclude(state=Connection.State.ENDED).count(),
        unread_messages=unread.count(),
    )
