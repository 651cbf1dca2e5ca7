"""A schema made by the rendered script has the shape that the migrations give one, and no change escapes the shape."""

from __future__ import annotations

from typing import Final

import psycopg
from django.db import connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from psycopg import sql

from tenants.databases.router import RECORDS, rendering
from tenants.provisioning import shape
from tenants.provisioning.provision import compartment, run, schema_script
from tenants.provisioning.rights import rights
from tenants.provisioning.shape import Shape
from tests.conftest import Household

USING: Final = "provisioner"


CHANGES: Final = [
    ("CREATE TABLE extra (id int)", "table extra"),
    ("DROP TABLE sent_contents", "table sent_contents"),
    ("ALTER TABLE repositories ADD extra int", "column repositories.extra"),
    ("ALTER TABLE repositories DROP url", "column repositories.url"),
    ("ALTER TABLE repositories ALTER url TYPE text", "column repositories.url"),
    ("ALTER TABLE repositories ALTER url DROP NOT NULL", "column repositories.url"),
    ("ALTER TABLE repositories ALTER url SET DEFAULT ''", "column repositories.url"),
    ("ALTER TABLE repositories ALTER url SET STORAGE EXTERNAL", "column repositories.url"),
    ('ALTER TABLE repositories ALTER url TYPE varchar(500) COLLATE "C"', "column repositories.url"),
    ("ALTER TABLE parameter_versions ALTER id DROP IDENTITY", "column parameter_versions.id"),
    ("ALTER TABLE parameter_versions ALTER id SET INCREMENT 2", "sequence parameter_versions_id_seq"),
    ("CREATE INDEX extra ON repositories (url)", "index extra"),
    ("DROP INDEX received_messages_unread", "index received_messages_unread"),
    ("ALTER TABLE repositories ADD CHECK (url <> 'x')", "constraint repositories.repositories_url_check"),
    ("ALTER TABLE repositories DROP CONSTRAINT repositories_name_key", "constraint repositories."),
    (
        'ALTER TABLE parameters ALTER CONSTRAINT "parameters_set_id_7895d2bb_fk_parameter_sets_id" NOT DEFERRABLE',
        "constraint parameters.",
    ),
    ("ALTER TABLE audit DISABLE TRIGGER audit_chain", "trigger audit.audit_chain"),
    ("DROP TRIGGER audit_chain ON audit", "trigger audit.audit_chain"),
    ("ALTER FUNCTION audit_chain() SECURITY INVOKER", "function audit_chain()"),
    ("ALTER FUNCTION audit_chain() RESET search_path", "function audit_chain()"),
    ("CREATE FUNCTION extra() RETURNS int LANGUAGE sql AS 'SELECT 1'", "function extra()"),
    ("GRANT EXECUTE ON FUNCTION audit_chain() TO PUBLIC", "function audit_chain()"),
    ("GRANT DELETE ON audit TO {tenant}", "table audit"),
    ("GRANT INSERT (hash) ON audit TO {tenant}", "column audit.hash"),
    ("REVOKE UPDATE ON repositories FROM {tenant}", "table repositories"),
    ("GRANT SELECT ON repositories TO PUBLIC", "table repositories"),
    ("GRANT CREATE ON SCHEMA {tenant} TO {tenant}", "schema"),
    ("GRANT USAGE ON SCHEMA {tenant} TO PUBLIC", "schema"),
    ("GRANT USAGE ON SEQUENCE parameter_versions_id_seq TO {tenant}", "sequence parameter_versions_id_seq"),
    ("ALTER TABLE repositories ENABLE ROW LEVEL SECURITY", "table repositories"),
    ("CREATE POLICY extra ON repositories USING (true)", "policy repositories.extra"),
    ("CREATE RULE extra AS ON DELETE TO repositories DO INSTEAD NOTHING", "rule repositories.extra"),
    ("CREATE VIEW extra AS SELECT 1 AS one", "view extra"),
    ("CREATE SEQUENCE extra", "sequence extra"),
    ("CREATE TYPE extra AS ENUM ('a', 'b')", "type extra"),
    ("CREATE STATISTICS extra ON name, url FROM repositories", "statistics extra"),
    ("COMMENT ON TABLE repositories IS 'extra'", "table repositories"),
    ("COMMENT ON COLUMN repositories.url IS 'extra'", "table repositories"),
    ("ALTER TABLE repositories SET (fillfactor = 50)", "table repositories"),
    ("ALTER TABLE sealing_secrets SET UNLOGGED", "table sealing_secrets"),
    ("ALTER TABLE repositories REPLICA IDENTITY FULL", "table repositories"),
    ("CREATE TABLE extra () INHERITS (repositories)", "table extra"),
]


def rendered() -> tuple[str, Shape]:
    name = shape.scratch_name()
    return shape.declared(compartment(name, schema_script()[0], "unused"), name, using=USING)


def migrated() -> Shape:
    """Apply the migrations themselves, one after the other, in a schema that is rolled back."""
    name, connection = shape.scratch_name(), connections[USING]
    loader, state = MigrationLoader(connection, replace_migrations=False), ProjectState()
    token = rendering.set(True)
    try:
        with transaction.atomic(using=USING):
            run(USING, compartment(name, "CREATE TABLE audit (entry int); CREATE TABLE audit_head ();", "unused"))
            run(USING, sql.SQL("DROP TABLE audit, audit_head"))
            (leaf,) = loader.graph.leaf_nodes(RECORDS)
            for node in loader.graph.forwards_plan(leaf):
                with connection.schema_editor(atomic=False) as editor:
                    state = loader.graph.nodes[node].apply(state, editor)
            run(USING, rights(name))
            found = shape.shapes([name], using=USING)[name]
            transaction.set_rollback(True, using=USING)
    finally:
        rendering.reset(token)
    return found


def test_a_rendered_schema_equals_a_migrated_one() -> None:
    _, of_script = rendered()
    assert shape.difference(of_script, migrated()) == []
    assert len(of_script) > 150


def test_a_live_tenant_has_the_declared_shape(household: Household) -> None:
    schema = household.tenant.schema
    digest, lines = rendered()
    assert shape.digests([schema], using=USING) == {schema: digest}
    assert shape.shapes([schema], using=USING) == {schema: lines}


def test_a_digest_is_of_the_lines(household: Household, administrator: psycopg.Connection) -> None:
    schema = household.tenant.schema
    before = shape.digests([schema], using=USING)
    administrator.execute(f"COMMENT ON TABLE {schema}.repositories IS 'extra'")
    assert shape.digests([schema], using=USING) != before
    administrator.execute(f"COMMENT ON TABLE {schema}.repositories IS NULL")
    assert shape.digests([schema], using=USING) == before


def test_reading_shapes_leaves_the_search_path(household: Household) -> None:
    with transaction.atomic(using=USING), connections[USING].cursor() as cursor:
        cursor.execute("SET LOCAL search_path = registry, pg_temp")
        shape.shapes([household.tenant.schema], using=USING)
        cursor.execute("SHOW search_path")
        assert cursor.fetchone() == ("registry, pg_temp",)


def test_each_change_changes_the_shape() -> None:
    """One schema for all of them, each taken back: what a change is, and where it must be seen, stands in CHANGES."""
    name, unseen = shape.scratch_name(), []
    with transaction.atomic(using=USING):
        run(USING, compartment(name, schema_script()[0], "unused"))
        lines = shape.shapes([name], using=USING)[name]
        for change, place in CHANGES:
            with transaction.atomic(using=USING):
                run(USING, sql.SQL(change.replace("{tenant}", name)))
                found = shape.difference(lines, shape.shapes([name], using=USING)[name])
                if not any(of.startswith(place) for of, *_ in found):
                    unseen.append((change, found))
                transaction.set_rollback(True, using=USING)
        transaction.set_rollback(True, using=USING)
    assert unseen == []
