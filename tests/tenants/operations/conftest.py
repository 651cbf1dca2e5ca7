"""Operators' migrations, applied as `manage.py migrate` would, with the owner's database role."""

from __future__ import annotations

import json

from django.db import connections, migrations
from django.db.migrations.state import ProjectState

from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.operations import DestroyTenant, SuspendTenant
from tenants.operations.lifecycle import TenantOperation
from tenants.records.models import AuditRow
from tenants.registry.models import Tenant


def apply(*operations: TenantOperation, backwards: bool = False) -> None:
    migration = type("Migration", (migrations.Migration,), {"operations": list(operations)})("0001_act", "operations")
    state = ProjectState()
    with connections["owner"].schema_editor(atomic=True) as editor:
        if backwards:
            migration.unapply(state, editor)
        else:
            migration.apply(state, editor)


def acts(tenant: Tenant) -> list[dict[str, object]]:
    with enter_as_system(tenant.id, Actor.system("test"), suspended=True):
        return [json.loads(row.entry) for row in AuditRow.objects.order_by("position")]


def suspend(tenant: Tenant, reason: str = "The contract has ended.") -> None:
    apply(SuspendTenant(tenant.slug, reason=reason))


def destroy(tenant: Tenant) -> None:
    apply(destruction(tenant))


def destruction(tenant: Tenant) -> DestroyTenant:
    return DestroyTenant(tenant.slug, tenant_id=str(tenant.id), reason="contract-ended")
