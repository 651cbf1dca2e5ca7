"""Write what an operator or a worker did to a tenant into that tenant's own log, from outside its compartment."""

from __future__ import annotations

from typing import Final

from django.db import OperationalError
from psycopg import sql

from tenants.actor import Actor
from tenants.provisioning.locks import HeldError, waited_in_vain
from tenants.provisioning.provision import run
from tenants.records.audit import Detail, entry
from tenants.registry.models import Tenant

# Whoever appends waits for the end of the chain, which any session of the tenant's role can hold. The transaction's own
# limit is put aside meanwhile.
_APPEND: Final = """
SELECT set_config('bulkhead.lock_timeout', current_setting('lock_timeout'), true);
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE bulkhead_provisioner;
INSERT INTO {schema}.audit (entry) VALUES ({entry});
RESET ROLE;
SELECT set_config('lock_timeout', current_setting('bulkhead.lock_timeout'), true);
"""


def log(tenant: Tenant, actor: Actor, action: str, subject: str, detail: Detail, *, using: str) -> None:
    """Append to the tenant's log; within a transaction, over a connection of the owner or the provisioner.

    Raises HeldError when the log is locked for longer than 5 seconds.
    """
    act = entry(actor, action, subject, detail)
    try:
        run(using, sql.SQL(_APPEND).format(schema=sql.Identifier(tenant.schema), entry=sql.Literal(act)))
    except OperationalError as error:
        if not waited_in_vain(error):
            raise
        raise HeldError(_held(tenant)) from error


def _held(tenant: Tenant) -> str:
    return (
        f"The log of tenant {tenant.slug or tenant.id} is held by a session of its own, and nothing was changed. "
        "End the session, and lock out whoever it is: `manage.py rotate_database_passwords --tenant` with its address."
    )
