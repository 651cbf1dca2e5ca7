"""Compartments to break, and what a proof says of them then."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from portal.demo.embedded import Stack
from tenants.actor import Actor
from tenants.isolation import session
from tenants.isolation.prove import Proof, Result, look_around, prove
from tenants.provisioning.provision import create_tenant
from tenants.registry.models import Tenant


@dataclass(frozen=True)
class Pair:
    """A tenant and a neighbour that nothing else is done to, and the server's administrator."""

    own: Tenant
    other: Tenant
    administrator: psycopg.Connection
    bystander: psycopg.Connection

    def prove(self) -> dict[str, Result]:
        return results(prove(self.own, look_around(self.bystander, [self.other.schema])))

    def do(self, statements: str) -> None:
        """Run statements of the server's administrator; {own} and {other} are schemas and roles."""
        self.administrator.execute(statements.format(own=self.own.schema, other=self.other.schema))


def results(proof: Proof) -> dict[str, Result]:
    return {result.key: result for result in proof.results}


def _tenant() -> Tenant:
    slug = f"t{uuid.uuid4().hex[:16]}"
    actor = Actor.system("provisioning")
    return create_tenant(tenant_id=uuid.uuid4(), slug=slug, name="X", owner_id=None, actor=actor, using="provisioner")


@pytest.fixture(scope="package")
def pair(stack: Stack, _database: None) -> Iterator[Pair]:
    parts = make_conninfo(**{**stack.administrator(), "dbname": "bulkhead"})
    with psycopg.connect(parts, autocommit=True) as administrator, session.connect_as_process() as bystander:
        bystander.execute("SELECT 'what the bystander asked'")
        yield Pair(_tenant(), _tenant(), administrator, bystander)


@pytest.fixture
def forget(administrator: psycopg.Connection) -> Iterator[Callable[[Tenant], None]]:
    """Remove at the end a tenant that a test broke beyond repair."""
    broken: list[Tenant] = []
    yield broken.append
    for tenant in broken:
        administrator.execute(f"DROP SCHEMA IF EXISTS {tenant.schema} CASCADE")
        administrator.execute(f"DROP ROLE IF EXISTS {tenant.schema}")
        for table in ("tenant_keys", "sealing_keys", "memberships", "isolation_proofs"):
            administrator.execute(f"DELETE FROM registry.{table} WHERE tenant_id = %s", [tenant.pk])  # noqa: S608 - ours
        administrator.execute("DELETE FROM registry.tenants WHERE id = %s", [tenant.pk])
