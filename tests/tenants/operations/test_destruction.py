"""A destroyed tenant is gone whole, or is there whole; what it leaves is a certificate, and an address never reused."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connections
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql

from tenants import certificates
from tenants.actions import parameters, tenancies
from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.databases.base import close_compartments
from tenants.errors import Invalid, NotFound
from tenants.keyrings import forget_keyring, keyring_of
from tenants.operations import CreateTenant, DestroyTenant
from tenants.operations.destruction import LOCK_TIMEOUT
from tenants.provisioning.provision import create_tenant
from tenants.records.models import Parameter, ParameterVersion
from tenants.registry.models import Certificate, Tenant, TenantRequest
from tests.conftest import Household
from tests.tenants.conftest import Send
from tests.tenants.operations.conftest import acts, apply, destroy, destruction, suspend


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


def test_nothing_of_it_is_left_but_the_certificate(
    stocked: Household, neighbour: Household, send: Send, administrator: psycopg.Connection
) -> None:
    send(deliver=False)
    assert traces(administrator, stocked.tenant) > {"tenants", "tenant_keys", "due", "connections", "memberships"}
    suspend(stocked.tenant)
    destroy(stocked.tenant)
    assert traces(administrator, stocked.tenant) == {"certificates"}
    last = acts(neighbour.tenant)[-1]
    assert (last["action"], last["subject"]) == ("connection.ended", stocked.slug)
    assert (last["actor_kind"], last["detail"]) == ("operator", {"because": "tenant destroyed"})


def test_the_certificate_states_what_was_there(stocked: Household) -> None:
    with stocked.enter() as inside:
        before = certificates.notice(inside)
    suspend(stocked.tenant)
    entries = len(acts(stocked.tenant))
    destroy(stocked.tenant)
    statement = certificates.issued(stocked.tenant.id).statement
    assert statement["tenant"] == before["tenant"]
    assert statement["keys"] == before["keys"]
    assert statement["audit"]["position"] == entries == before["audit"]["position"] + 1  # the suspension
    assert (statement["rows"]["parameters"], statement["rows"]["audit"]) == (1, entries)
    assert statement["operation"]["app"] == "operations"
    assert statement["reason"] == "contract-ended"


def test_an_active_tenant_is_not_destroyed(household: Household) -> None:
    with pytest.raises(ValueError, match="suspend it first"):
        destroy(household.tenant)
    with household.enter():
        pass


def test_slug_and_id_must_name_one_tenant(household: Household, neighbour: Household) -> None:
    suspend(household.tenant)
    suspend(neighbour.tenant)
    wrong = DestroyTenant(household.slug, tenant_id=str(neighbour.tenant.id), reason="contract-ended")
    with pytest.raises(ValueError, match="Check both"):
        apply(wrong)
    assert Tenant.objects.filter(id__in=[household.tenant.id, neighbour.tenant.id]).count() == 2


def test_it_is_written_without_slips_and_never_undone(household: Household) -> None:
    with pytest.raises(ValueError, match="no-longer-liked"):
        DestroyTenant(household.slug, tenant_id=str(uuid.uuid4()), reason="no-longer-liked")
    with pytest.raises(ValueError, match="UUID"):
        DestroyTenant(household.slug, tenant_id=household.slug, reason="contract-ended")
    suspend(household.tenant)
    destroy(household.tenant)
    with pytest.raises(IrreversibleError):
        apply(destruction(household.tenant), backwards=True)
    with pytest.raises(ValueError, match="destroyed already"):
        destroy(household.tenant)


def test_its_address_is_never_given_away_again(household: Household) -> None:
    suspend(household.tenant)
    destroy(household.tenant)
    with pytest.raises(Invalid) as refused:
        tenancies.request_tenant(household.actor(), name="Another", slug=household.slug)
    assert "never given away again" in refused.value.fields["slug"]
    with pytest.raises(Invalid, match="slug"):
        apply(CreateTenant(household.slug, name="Another", owner=("github", "1")))
    with pytest.raises(Invalid, match="slug"):
        create_tenant(
            tenant_id=uuid.uuid4(),
            slug=household.slug,
            name="Another",
            owner_id=None,
            actor=Actor.system("provisioning"),
            using="provisioner",
        )
    assert not TenantRequest.objects.filter(slug=household.slug).exists()


def test_nobody_enters_from_that_moment_whatever_is_in_memory(stocked: Household) -> None:
    with stocked.enter() as inside:
        keyring_of(inside.tenant.id)
        version = ParameterVersion.objects.get()
        suspend(stocked.tenant)
        destroy(stocked.tenant)
        # This process holds the unwrapped key still, and whoever was inside holds a session: it was ended.
        assert keyring_of(inside.tenant.id)
        with pytest.raises(OperationalError):
            Parameter.objects.count()
    assert version.sealed
    with pytest.raises(NotFound), stocked.enter():
        pass
    with pytest.raises(NotFound), enter_as_system(stocked.tenant.id, Actor.system("test"), suspended=True):
        pass


def test_whoever_holds_its_tables_is_waited_for_and_then_named(
    household: Household, administrator: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LOCK_TIMEOUT == "10s"
    monkeypatch.setattr("tenants.operations.destruction.LOCK_TIMEOUT", "100ms")
    suspend(household.tenant)
    with administrator.transaction():
        administrator.execute(f"LOCK TABLE {household.tenant.schema}.parameters IN ACCESS SHARE MODE")
        with pytest.raises(TimeoutError, match="nothing was destroyed"):
            destroy(household.tenant)
    destroy(household.tenant)
    assert Certificate.objects.filter(tenant_id=household.tenant.id).exists()


def test_killed_at_any_statement_it_is_whole(stocked: Household, administrator: psycopg.Connection) -> None:
    suspend(stocked.tenant)
    operation, statements = destruction(stocked.tenant), 0
    while True:
        with _killing(administrator, at=statements) as seen:
            try:
                apply(operation)
            except OperationalError:
                pass
            else:
                break
        statements += 1
        assert _rows(administrator, stocked.tenant) == (1, 1, 1, 0, 1), seen[-1]
        assert _opens(stocked), seen[-1]
    assert statements > 30
    assert traces(administrator, stocked.tenant) == {"certificates"}


MIGRATION = """
from django.db import migrations
from tenants.operations import DestroyTenant, SuspendTenant

class Migration(migrations.Migration):
    dependencies = {dependencies}
    operations = [{operation}]
"""


def test_the_migration_that_it_was_is_named(household: Household, settings: Any, tmp_path: Path) -> None:
    """Two files of an operator's, applied by Django; an app without migrations of its own lends its label."""
    app, package, tenant = "lucide", f"closing_{uuid.uuid4().hex[:8]}", household.tenant
    suspension = f"SuspendTenant('{tenant.slug}', reason='The contract has ended.')"
    ending = f"DestroyTenant('{tenant.slug}', tenant_id='{tenant.id}', reason='customer-request')"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    for name, dependencies, operation in (("0001_suspend", [], suspension), ("0002_end", ["0001_suspend"], ending)):
        after = [(app, name) for name in dependencies]
        text = MIGRATION.format(dependencies=after, operation=operation)
        (tmp_path / package / f"{name}.py").write_text(text)
    settings.MIGRATION_MODULES = {**settings.MIGRATION_MODULES, app: package}
    with _importable(tmp_path):
        MigrationExecutor(connections["owner"]).migrate([(app, "0002_end")])
    MigrationRecorder(connections["owner"]).migration_qs.filter(app=app).delete()
    statement = certificates.issued(tenant.id).statement
    assert statement["operation"] == {"app": app, "migration": "0002_end"}
    assert statement["reason"] == "customer-request"


@contextmanager
def _importable(directory: Path) -> Iterator[None]:
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path.remove(str(directory))


@contextmanager
def _killing(administrator: psycopg.Connection, *, at: int) -> Iterator[list[str]]:
    """End the owner's session right after its statement number `at`, before the transaction can be committed."""
    owner, seen = connections["owner"], []
    owner.close()

    def execute(execute: Callable[..., Any], statement: str, *rest: Any) -> Any:
        result = execute(statement, *rest)
        seen.append(statement)
        if len(seen) == at + 1:
            _end(administrator, owner.connection.info.backend_pid)
        return result

    with owner.execute_wrapper(execute):
        yield seen
    owner.close()


def _end(administrator: psycopg.Connection, pid: int) -> None:
    administrator.execute("SELECT pg_terminate_backend(%s)", [pid])
    while administrator.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() is not None:
        time.sleep(0.001)


def _rows(administrator: psycopg.Connection, tenant: Tenant) -> tuple[int, ...] | None:
    """Count the tenant's rows, keys, members and certificates, and roles that may log in."""
    counts = """SELECT (SELECT count(*) FROM registry.tenants WHERE id = %(id)s),
        (SELECT count(*) FROM registry.tenant_keys WHERE tenant_id = %(id)s),
        (SELECT count(*) FROM registry.memberships WHERE tenant_id = %(id)s),
        (SELECT count(*) FROM registry.certificates WHERE tenant_id = %(id)s),
        (SELECT count(*) FROM pg_roles WHERE rolname = %(name)s AND rolcanlogin)"""
    return administrator.execute(counts, {"id": tenant.id, "name": tenant.schema}).fetchone()


def _opens(household: Household) -> bool:
    """Open a secret with nothing kept in memory: role, schema and keys are all needed for it."""
    forget_keyring(household.tenant.id)
    with enter_as_system(household.tenant.id, Actor.system("test"), suspended=True) as inside:
        row = ParameterVersion.objects.get()
        place = inside.place("parameter_versions.sealed", row.parameter_id, row.version)
        opened = inside.open(place, bytes(row.sealed))
    close_compartments()  # the next attempt finds nobody to end, which takes a moment each time
    return opened == b"kittiwake"
