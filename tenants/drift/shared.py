"""What is in the schemas that are there once: the registry, and where there is a pooler, what answers it.

What is declared is made under another name, looked at and rolled back, as with tenants. Nothing of it is repaired.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from tenants.drift import declared
from tenants.drift.findings import Finding, Hand
from tenants.drift.reading import has_pooler, rows
from tenants.drift.server import missing_migrations
from tenants.provisioning import shape
from tenants.provisioning.shape import Shape

REGISTRY: Final = "registry"
_NAME: Final = "{tenant}"  # what a shape calls its own schema
_OWNER: Final = "{owner}"
_SCRATCH: Final = (
    "SET LOCAL ROLE bulkhead_provisioner; CREATE SCHEMA {schema}; SET LOCAL search_path = {schema}, pg_temp"
)
# Whose a relation is and who may use it, tenants/drift/privileges.py compares and puts back.
_RELATIONS: Final = ("table ", "view ", "materialized view ", "sequence ", "partitioned table ", "foreign table ")
_REGISTRY_ADVICE: Final = "Find out who changed it, and change it back as bulkhead_owner: migrations alone change it."
_POOLING_ADVICE: Final = "Drop schema and role, and run deploy/database/pgbouncer.sql again."
_SUPERUSER: Final = """
SELECT nspowner::regrole::text, rolsuper
FROM pg_namespace JOIN pg_roles ON pg_roles.oid = nspowner WHERE nspname = %s"""


def compare(using: str) -> Iterator[Finding]:
    if not missing_migrations(using):  # which are a finding of their own
        live = shape.live_shapes([REGISTRY], using=using).get(REGISTRY, {})
        found = {line: value for line, value in _owned_by(declared.OWNER, live).items() if _is_compared(*line)}
        yield from _differences(REGISTRY, declared_registry(using), found, Hand.PERSON, _REGISTRY_ADVICE)
    if has_pooler(using):
        yield from _pooling(using)


@lru_cache(maxsize=1)
def declared_registry(using: str) -> Shape:
    """Return the shape that the registry's migrations make, in one transaction; a process applies them once."""
    name = shape.scratch_name()
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute(sql.SQL(_SCRATCH).format(schema=sql.Identifier(name)).as_string(cursor.connection))
        executor = MigrationExecutor(connections[using])
        executor.migrate([node for node in executor.loader.graph.leaf_nodes() if node[0] == REGISTRY])
        made = _owned_by(declared.PROVISIONER, shape.shapes([name], using=using)[name])
        transaction.set_rollback(True, using=using)
    # A name that has the schema's in it is told from it only here, where the schema has another.
    alike = {(of.replace(REGISTRY, _NAME), what): value.replace(REGISTRY, _NAME) for (of, what), value in made.items()}
    return {line: value for line, value in alike.items() if _is_compared(*line)}


def _is_compared(of: str, what: str) -> bool:
    return not what.startswith("granted to ") and not (what == "owner" and of.startswith(_RELATIONS))


def _pooling(using: str) -> Iterator[Finding]:
    subject = f"schema {declared.POOLING}"
    found = rows(using, _SUPERUSER, [declared.POOLING])
    if not found:
        yield Finding(subject, "schema", declared.POOLING, "", Hand.ADMINISTRATOR, _POOLING_ADVICE)
        return
    ((owner, is_superuser),) = found
    if not is_superuser:
        yield Finding(subject, "owner", "a superuser", owner, Hand.ADMINISTRATOR, _POOLING_ADVICE)
    if not rows(using, "SELECT FROM pg_roles WHERE rolname = %s", [declared.POOLER]):
        return  # which is a finding among the roles
    name = shape.scratch_name()
    script = sql.SQL("SET LOCAL ROLE bulkhead_provisioner;") + sql.SQL(declared.POOLING_SCRIPT).format(
        schema=sql.Identifier(name)
    )
    expected = _owned_by(declared.PROVISIONER, shape.declared(script, name, using=using)[1])
    live = _owned_by(owner, shape.live_shapes([declared.POOLING], using=using)[declared.POOLING])
    yield from _differences(declared.POOLING, expected, live, Hand.ADMINISTRATOR, _POOLING_ADVICE)


def _owned_by(owner: str, lines: Shape) -> Shape:
    """Return the lines with a word for the owner, who is somebody else where the declared ones are made."""
    granted = (f"granted to {owner}", f"granted to {_OWNER}")
    return {
        (of, what.replace(*granted) if what == granted[0] else what): _OWNER
        if (what, value) == ("owner", owner)
        else value
        for (of, what), value in lines.items()
    }


def _differences(schema: str, expected: Shape, live: Shape, hand: Hand, advice: str) -> Iterator[Finding]:
    for of, what, wanted, found in shape.changes(expected, live):
        shown, before, after = (
            text.replace(_NAME, schema) for text in (f"{of}: {what}" if what else of, wanted, found)
        )
        yield Finding(f"schema {schema}", shown, before, after, hand, advice)
