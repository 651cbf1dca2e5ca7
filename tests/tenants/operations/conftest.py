"""Operators' migrations, applied as `manage.py migrate` would, with the owner's database role."""

from __future__ import annotations

import json

import psycopg
import pytest
from django.db import connections, migrations
from django.db.migrations.state import ProjectState
from psycopg import sql

from tenants.actions import parameters
from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.operations import DestroyTenant, SuspendTenant
from tenants.operations.lifecycle import TenantOperation
from tenants.records.models import AuditRow
from tenants.registry.models import Tenant
from tests.conftest import Household


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


@pytest.fixture
def stocked(household: Household) -> Household:
    with household.enter() as inside:
        made = parameters.create_set(inside, name="everyone", description="", filters=[])
        parameters.set_parameter(inside, made.id, name="TOKEN", value="kittiwake")
    return household


def traces(administrator: psycopg.Connection, tenant: Tenant) -> set[str]:
    """Return where in the whole database something still names the tenant: catalogs and every registry table."""
    named = """SELECT 'schema' FROM pg_namespace WHERE nspname = %(name)s
        UNION SELECT 'role' FROM pg_roles WHERE rolname = %(name)s"""
    found = {where for (where,) in administrator.execute(named, {"name": tenant.schema})}
    tables = administrator.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'registry'").fetchall()
    for (table,) in tables:
        held = sql.SQL("SELECT FROM registry.{} AS row WHERE row::text ~ %s LIMIT 1").format(sql.Identifier(table))
        names = f"{tenant.id}|{tenant.schema}|{tenant.slug}"
        if administrator.execute(held, [names]).fetchone() is not None:
            found.add(table)
    return found
