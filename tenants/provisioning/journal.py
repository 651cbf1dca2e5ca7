"""Write what an operator or a worker did to a tenant into that tenant's own log, from outside its compartment."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from tenants.actor import Actor
from tenants.provisioning.provision import run
from tenants.records.audit import Detail, entry
from tenants.registry.models import Tenant

_APPEND: Final = """
SET LOCAL ROLE bulkhead_provisioner;
INSERT INTO {schema}.audit (entry) VALUES ({entry});
RESET ROLE;
"""


def log(tenant: Tenant, actor: Actor, action: str, subject: str, detail: Detail, *, using: str) -> None:
    """Append to the tenant's log; within a transaction, over a connection of the owner or the provisioner."""
    act = entry(actor, action, subject, detail)
    run(using, sql.SQL(_APPEND).format(schema=sql.Identifier(tenant.schema), entry=sql.Literal(act)))
