"""Give tenants' database roles new passwords: derived from the next version, stored as verifiers, one commit a tenant.

A role's password and the version that the registry tells are changed in one transaction, so that whoever reads the
version can connect with it. Who read it just before the commit and connects just after is refused by the server, asks
the registry again and connects (`tenants/databases/base.py`).

Sessions go on with what they have. Where one of them holds what a rotation needs, all are ended, and the portal's
connect again; `shut_out` ends them in any case.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import Error, OperationalError, connections, transaction
from django.db.models import Max
from django.db.models.functions import Now
from psycopg import sql

from tenants.actor import Actor
from tenants.databases import Entered, entered
from tenants.databases.base import close_compartments
from tenants.databases.current import role_password
from tenants.provisioning.eviction import beside, emptied
from tenants.provisioning.journal import log
from tenants.provisioning.locks import HeldError, waited_in_vain
from tenants.provisioning.provision import run
from tenants.provisioning.scram import verifier
from tenants.registry.models import Tenant

_PATIENCE_SECONDS: Final = 1.0

_ALTER: Final = """
SET LOCAL ROLE bulkhead_provisioner;
ALTER ROLE {role} PASSWORD {verifier};
RESET ROLE;
"""


@dataclass(frozen=True, slots=True)
class Campaign:
    """Which version every one of these tenants is to have; whoever has it already is done."""

    version: int
    tenants: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one tenant: rotated, or by another run before (`rotated` false), or why not (`failure`)."""

    tenant: UUID
    rotated: bool
    failure: str = ""


def campaign(*, slug: str | None = None, resume: bool = False, using: str = "default") -> Campaign:
    """Plan a rotation of all tenants, or of one; `resume` takes those behind the newest version alone.

    All get the same version, one above the highest in use: that is how a run that was cut off is told from a new one.
    Raises Tenant.DoesNotExist for an unknown slug.
    """
    rows = Tenant.objects.using(using).order_by("schema")
    newest: int = rows.aggregate(newest=Max("password_version"))["newest"] or 0
    if slug is not None:
        tenant = rows.get(slug=slug)
        return Campaign(tenant.password_version + 1, (tenant.id,))
    version = newest if resume else newest + 1
    return Campaign(version, tuple(rows.filter(password_version__lt=version).values_list("id", flat=True)))


def rotate(tenants: Iterator[UUID], version: int, actor: Actor, *, using: str = "default") -> Iterator[Outcome]:
    """Rotate one tenant after the other; a failure is an outcome, and changes nothing of that tenant.

    `tenants` may be shared by several threads that each run this. Another run of the same campaign is no trouble: who
    comes second to a tenant finds it done.
    """
    try:
        for tenant_id in tenants:
            yield _attempt(tenant_id, version, actor, using)
    finally:
        close_compartments()
        connections.close_all()


@contextmanager
def shut_out(tenant: Tenant, *, using: str, for_good: bool = False) -> Iterator[None]:
    """Give the tenant's role a password that nobody knows, end its sessions, and let nobody in during the block.

    Both are committed at once, over a connection of their own, and stay if the block fails; that the role may not log
    in stays if it ends well and is meant `for_good`. Raises HeldError.
    """
    with beside(using) as own:
        if not Tenant.objects.using(own).filter(id=tenant.id).exists():
            yield  # made in the transaction of `using`: nobody has ever been in
            return
        with emptied(tenant.schema, using=own, for_good=for_good):
            with transaction.atomic(using=own):
                locked = _locked(tenant.id, own)
                if locked is not None:
                    _renew(locked, locked.password_version + 1, own)
            yield


def _attempt(tenant_id: UUID, version: int, actor: Actor, using: str) -> Outcome:
    try:
        tenant = _rotate_in_any_case(tenant_id, version, actor, using)
    except Error as error:
        return Outcome(tenant_id, rotated=False, failure=_in_short(error))
    if tenant is None:
        return Outcome(tenant_id, rotated=False)
    try:
        _prove(tenant)
    except Error as error:
        return Outcome(tenant_id, rotated=True, failure=f"rotated, but its role can't connect: {_in_short(error)}")
    return Outcome(tenant_id, rotated=True)


def _rotate_in_any_case(tenant_id: UUID, version: int, actor: Actor, using: str) -> Tenant | None:
    try:
        return _rotate(tenant_id, version, actor, using)
    except Error as error:
        if not waited_in_vain(error):
            raise
    role = Tenant.objects.using(using).values_list("schema", flat=True).get(id=tenant_id)
    with emptied(role, using=using):
        return _rotate(tenant_id, version, actor, using)


def _rotate(tenant_id: UUID, version: int, actor: Actor, using: str) -> Tenant | None:
    with transaction.atomic(using=using):
        tenant = _locked(tenant_id, using)
        if tenant is None or tenant.password_version >= version:
            return None
        _renew(tenant, version, using)
        log(tenant, actor, "tenant.password_rotated", tenant.slug, {"version": version}, using=using)
    return tenant


def _locked(tenant_id: UUID, using: str) -> Tenant | None:
    with connections[using].cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '5s'")
    # Not the key: rows that point to the tenant, such as hints of messages, are inserted meanwhile.
    try:
        return Tenant.objects.using(using).filter(id=tenant_id).select_for_update(no_key=True).first()
    except Error as error:
        if not waited_in_vain(error):
            raise
        raise HeldError(
            "The tenant's row in the registry is held by another transaction, or by an earlier operation of this "
            "migration: give each operation upon a tenant a migration of its own."
        ) from error


def _renew(tenant: Tenant, version: int, using: str) -> None:
    password = sql.Literal(verifier(role_password(tenant.schema, version)))
    run(using, sql.SQL(_ALTER).format(role=sql.Identifier(tenant.schema), verifier=password))
    tenant.password_version = version
    tenant.password_changed_at = Now()
    tenant.save(using=using, update_fields=["password_version", "password_changed_at"])


def _prove(tenant: Tenant) -> None:
    """Connect as the tenant's role, the way that requests do.

    A pooler on that way learns the new password now, and not when somebody waits for it. It may be in the midst of
    logins with the old one, so one refusal says nothing yet.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return _connect(tenant)
        except OperationalError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _connect(tenant: Tenant) -> None:
    token = entered.set(Entered(tenant.schema, tenant.password_version, suspended=True))
    try:
        connections[tenant.schema].ensure_connection()
    finally:
        connections[tenant.schema].close()
        del connections[tenant.schema]
        entered.reset(token)


def _in_short(error: Error) -> str:
    """Return the server's first line: the rest may quote the statement."""
    return str(error).partition("\n")[0][:200]
