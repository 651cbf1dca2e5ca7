"""Make a tenant: schema, login role, grants, keys and first member, in one transaction."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import connections, transaction
from psycopg import sql

from secrets_vault import Keyring, WrappedKey, new_sealing_key, seal
from tenants.actor import Actor
from tenants.databases.current import role_password
from tenants.errors import Invalid
from tenants.keyrings import key_service
from tenants.provisioning.places import sealing_place
from tenants.provisioning.render import SCRIPT
from tenants.provisioning.rights import rights
from tenants.provisioning.role import creation
from tenants.provisioning.scram import verifier
from tenants.records.audit import entry
from tenants.registry.models import Certificate, Membership, SealingKey, Tenant, TenantKey
from tenants.roles import Role

_COMPARTMENT: Final = """
{creation}
CREATE SCHEMA {schema};
SET LOCAL search_path = {schema}, pg_temp;
{script}
GRANT USAGE ON SCHEMA {schema} TO {schema};
{rights}
"""
_FRAME: Final = """
SET LOCAL ROLE bulkhead_provisioner;
{compartment}
INSERT INTO sealing_secrets (version, sealed) VALUES (1, {sealing_secret});
INSERT INTO key_uses (version, uses) VALUES (1, 1);
INSERT INTO audit (entry) VALUES ({entry});
SET LOCAL search_path = registry;
RESET ROLE;
"""

# A session keeps the plans of every trigger that it fired, a trigger is one tenant's own, and PostgreSQL walks all kept
# plans at every change of its catalog: over one session, the 900th tenant took ten times as long as the first.
TENANTS_A_SESSION: Final = 10
_made: Final[WeakKeyDictionary[object, int]] = WeakKeyDictionary()

USED_UP: Final = (
    "A tenant at this address was destroyed, and its address is never given away again: choose another one."
)


@lru_cache(maxsize=1)
def schema_script() -> tuple[str, str]:
    """Return the rendered script and the migration it ends with."""
    text = SCRIPT.read_text(encoding="utf-8")
    found = re.match(r"-- version: (\S+)\n", text)
    if found is None:
        raise RuntimeError("schema.sql names no version: run `manage.py render_schema`")
    return text, found[1]


def create_tenant(
    *, tenant_id: UUID, slug: str, name: str, owner_id: UUID | None, actor: Actor, using: str = "default"
) -> Tenant:
    """Make the tenant complete, or not at all. `using` is a connection of the provisioner or the owner."""
    script, version = schema_script()
    keyring, wrapped = Keyring.create(key_service(), str(tenant_id))
    private, public = new_sealing_key()
    sealing_secret = seal(keyring, sealing_place(tenant_id, 1), private)
    with transaction.atomic(using=using):
        tenant = Tenant(id=tenant_id, slug=slug, name=name, schema_version=version)
        tenant.save(using=using, force_insert=True)
        # Now, not before: whoever destroys a tenant of this address is waited for by the row that was just written.
        if Certificate.objects.using(using).filter(slug=slug).exists():
            raise Invalid({"slug": USED_UP})
        _insert_keys(tenant, wrapped, public, using)
        if owner_id is not None:
            Membership.objects.using(using).create(tenant=tenant, person_id=owner_id, role=Role.OWNER)
        first = entry(actor, "tenant.created", slug, {"name": name, "owner": str(owner_id) if owner_id else None})
        statement = sql.SQL(_FRAME).format(
            compartment=compartment(tenant.schema, script, verifier(role_password(tenant.schema, 1))),
            sealing_secret=sql.Literal(sealing_secret),
            entry=sql.Literal(first),
        )
        run(using, statement)
        transaction.on_commit(partial(_renew, using), using=using)
    return tenant


def _renew(using: str) -> None:
    """Close a session that has made its share of tenants; the next query opens another."""
    django = connections[using]
    if django.connection is None:
        return
    _made[django.connection] = _made.get(django.connection, 0) + 1
    if _made[django.connection] >= TENANTS_A_SESSION:
        django.close()


def compartment(name: str, script: str, stored_password: str) -> sql.Composed:
    """Return the statements that make role and schema `name` and leave the search path there; for the provisioner."""
    return sql.SQL(_COMPARTMENT).format(
        creation=creation(name, stored_password),
        schema=sql.Identifier(name),
        script=sql.SQL(script),
        rights=rights(name),
    )


def run(using: str, statement: sql.Composable) -> None:
    """Run a composed script in one round trip."""
    with connections[using].cursor() as cursor:
        cursor.execute(statement.as_string(cursor.connection))


def _insert_keys(tenant: Tenant, wrapped: WrappedKey, public: bytes, using: str) -> None:
    TenantKey.objects.using(using).create(
        tenant=tenant,
        version=wrapped.version,
        key_service=wrapped.key_service_id,
        wrapped=wrapped.wrapped,
        key_id=wrapped.key_id,
    )
    SealingKey.objects.using(using).create(tenant=tenant, version=1, public=public)
