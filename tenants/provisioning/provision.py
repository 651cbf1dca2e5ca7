"""Make a tenant: schema, login role, grants, keys and first member, in one transaction."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from uuid import UUID

from django.db import connections, transaction
from psycopg import sql

from secrets_vault import Keyring, WrappedKey, new_sealing_key, seal
from tenants.actor import Actor
from tenants.databases.current import role_password
from tenants.keyrings import key_service
from tenants.provisioning.places import sealing_place
from tenants.provisioning.render import SCRIPT
from tenants.provisioning.role import creation
from tenants.provisioning.scram import verifier
from tenants.records.audit import entry
from tenants.registry.models import Membership, SealingKey, Tenant, TenantKey
from tenants.roles import Role

# Two tables are not the tenant role's to change: the log that it may only add to, and the head of its chain, which is
# the trigger's.
_FRAME: Final = """
SET LOCAL ROLE bulkhead_provisioner;
{creation}
CREATE SCHEMA {schema};
SET LOCAL search_path = {schema}, pg_temp;
{script}
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
REVOKE ALL ON audit, audit_head FROM {role};
GRANT SELECT, INSERT (entry) ON audit TO {role};
INSERT INTO sealing_secrets (version, sealed) VALUES (1, {sealing_secret});
INSERT INTO audit (entry) VALUES ({entry});
SET LOCAL search_path = registry;
RESET ROLE;
"""


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
        _insert_keys(tenant, wrapped, public, using)
        if owner_id is not None:
            Membership.objects.using(using).create(tenant=tenant, person_id=owner_id, role=Role.OWNER)
        first = entry(actor, "tenant.created", slug, {"name": name, "owner": str(owner_id) if owner_id else None})
        statement = sql.SQL(_FRAME).format(
            role=sql.Identifier(tenant.schema),
            schema=sql.Identifier(tenant.schema),
            creation=creation(tenant.schema, verifier(role_password(tenant.schema, 1))),
            script=sql.SQL(script),
            sealing_secret=sql.Literal(sealing_secret),
            entry=sql.Literal(first),
        )
        run(using, statement)
    return tenant


def run(using: str, statement: sql.Composable) -> None:
    """Run a composed script in one round trip."""
    with connections[using].cursor() as cursor:
        cursor.execute(statement.as_string(cursor.connection))


def _insert_keys(tenant: Tenant, wrapped: WrappedKey, public: bytes, using: str) -> None:
    TenantKey.objects.using(using).create(
        tenant=tenant, version=wrapped.version, key_service=wrapped.key_service_id, wrapped=wrapped.wrapped
    )
    SealingKey.objects.using(using).create(tenant=tenant, version=1, public=public)
