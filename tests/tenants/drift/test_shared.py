"""Drift of what lies in the schemas that are there once: the registry, and what a pooler is given."""

from __future__ import annotations

import hashlib
from typing import Final

import psycopg
import pytest

from portal.demo.embedded import Stack
from tenants.drift.findings import Hand
from tests.tenants.databases.pooler import prepare
from tests.tenants.drift.test_deployment import shared, undoing

# What is done in the registry, how it is undone, and what must be found. The owner can do all of it.
REGISTRY: Final = {
    """CREATE FUNCTION registry.extra() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER extra BEFORE INSERT ON registry.memberships FOR EACH ROW EXECUTE FUNCTION registry.extra()""": (
        "DROP FUNCTION registry.extra() CASCADE",
        {"function extra()", "trigger memberships.extra"},
    ),
    "CREATE VIEW registry.peek AS SELECT * FROM registry.tenant_keys": ("DROP VIEW registry.peek", {"view peek"}),
    "ALTER TABLE registry.tenants DROP CONSTRAINT tenants_schema_form": (
        "ALTER TABLE registry.tenants ADD CONSTRAINT tenants_schema_form CHECK (schema ~ '^t_[0-9a-f]{16}$')",
        {"constraint tenants.tenants_schema_form"},
    ),
    "ALTER TABLE registry.people DISABLE TRIGGER ALL": (
        "ALTER TABLE registry.people ENABLE TRIGGER ALL",
        {"table people: foreign keys not enforced"},
    ),
}
# The same of what a pooler is given.
POOLER: Final = {
    "ALTER ROLE pgbouncer CREATEDB": ("ALTER ROLE pgbouncer NOCREATEDB", {"role attribute"}),
    "ALTER ROLE pgbouncer RESET search_path": (
        "ALTER ROLE pgbouncer SET search_path = pg_catalog",
        {"setting search_path"},
    ),
    "GRANT bulkhead_web TO pgbouncer": (
        "REVOKE bulkhead_web FROM pgbouncer",
        {"membership of pgbouncer in bulkhead_web"},
    ),
    "GRANT EXECUTE ON FUNCTION pooling.secret_of(text) TO PUBLIC": (
        "REVOKE EXECUTE ON FUNCTION pooling.secret_of(text) FROM PUBLIC",
        {"function secret_of(wanted text): granted to PUBLIC"},
    ),
    "ALTER FUNCTION pooling.secret_of(text) SET search_path = public": (
        "ALTER FUNCTION pooling.secret_of(text) SET search_path = pg_catalog, pg_temp",
        {"function secret_of(wanted text): definition"},
    ),
    "ALTER SCHEMA pooling OWNER TO bulkhead_web": ("ALTER SCHEMA pooling OWNER TO postgres", {"owner"}),
    "CREATE TABLE pooling.extra ()": ("DROP TABLE pooling.extra", {"table extra"}),
}


@pytest.mark.parametrize("change", REGISTRY)
def test_what_no_migration_made_in_the_registry_is_found(administrator: psycopg.Connection, change: str) -> None:
    undo, whats = REGISTRY[change]
    with undoing(administrator, undo):
        administrator.execute(change)
        found = [finding for finding in shared() if finding.subject == "schema registry"]
    assert whats <= {finding.what for finding in found}
    assert {finding.hand for finding in found} == {Hand.PERSON}


@pytest.fixture
def pooler(administrator: psycopg.Connection, stack: Stack) -> None:
    """What deploy/database/pgbouncer.sql makes."""
    prepare(administrator, hashlib.sha256(f"pooler {stack.credentials.administrator}".encode()).hexdigest())


@pytest.mark.usefixtures("pooler")
@pytest.mark.parametrize("using", ["provisioner", "owner"])
def test_a_pooler_is_no_drift(using: str) -> None:
    assert shared(using) == []


@pytest.mark.usefixtures("pooler")
def test_a_pooler_that_is_not_as_declared_is_found(administrator: psycopg.Connection) -> None:
    undos = [undo for undo, _ in POOLER.values()]
    with undoing(administrator, *undos):
        for change in POOLER:
            administrator.execute(change)
        found = {finding.what for finding in shared()}
    assert set().union(*(whats for _, whats in POOLER.values())) <= found
    assert shared() == []
