"""Whatever ends the session of a destruction, and when: the tenant is whole, or gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import OperationalError, connections

from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.databases.base import close_compartments
from tenants.keyrings import forget_keyring
from tenants.records.models import ParameterVersion
from tenants.registry.models import Tenant
from tests.conftest import Household
from tests.tenants.operations.conftest import apply, destruction, suspend, traces


def test_killed_at_any_statement_it_is_whole(stocked: Household, administrator: psycopg.Connection) -> None:
    suspend(stocked.tenant)
    operation, statements, shut = destruction(stocked.tenant), 0, 0
    while True:
        with _killing(administrator, at=statements) as seen:
            try:
                apply(operation)
            except OperationalError:
                pass
            else:
                break
        statements += 1
        assert _rows(administrator, stocked.tenant) == (1, 1, 1, 0), seen[-1]
        if not _may_log_in(administrator, stocked.tenant):
            # The operation had ended, and its transaction was not committed: the role alone waits for the next time.
            shut += 1
            administrator.execute(f"ALTER ROLE {stocked.tenant.schema} LOGIN")
        assert _opens(stocked), seen[-1]
    assert statements > 30
    assert shut <= 3
    assert traces(administrator, stocked.tenant) == {"certificates"}


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
    """Count the tenant's rows, keys, members and certificates."""
    counts = """SELECT (SELECT count(*) FROM registry.tenants WHERE id = %(id)s),
        (SELECT count(*) FROM registry.tenant_keys WHERE tenant_id = %(id)s),
        (SELECT count(*) FROM registry.memberships WHERE tenant_id = %(id)s),
        (SELECT count(*) FROM registry.certificates WHERE tenant_id = %(id)s)"""
    return administrator.execute(counts, {"id": tenant.id}).fetchone()


def _may_log_in(administrator: psycopg.Connection, tenant: Tenant) -> bool:
    found = "SELECT rolcanlogin FROM pg_roles WHERE rolname = %s"
    return administrator.execute(found, [tenant.schema]).fetchone() == (True,)


def _opens(household: Household) -> bool:
    """Open a secret with nothing kept in memory: role, schema and keys are all needed for it."""
    forget_keyring(household.tenant.id)
    with enter_as_system(household.tenant.id, Actor.system("test"), suspended=True) as inside:
        row = ParameterVersion.objects.get()
        place = inside.place("parameter_versions.sealed", row.parameter_id, row.version)
        opened = inside.open(place, bytes(row.sealed))
    close_compartments()  # the next attempt finds nobody to end, which takes a moment each time
    return opened == b"kittiwake"
