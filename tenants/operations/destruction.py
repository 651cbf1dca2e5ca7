"""Destroy a tenant: keys, schema, role and rows in one transaction, and a certificate that says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, LiteralString
from uuid import UUID

from django.db import OperationalError, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.loader import MigrationLoader
from django.db.models import Q, QuerySet
from psycopg import sql
from psycopg.errors import LockNotAvailable

from tenants import certificates
from tenants.actor import Actor
from tenants.certificates import Document, Reason
from tenants.operations.lifecycle import TenantOperation
from tenants.provisioning.acting import as_provisioner
from tenants.provisioning.journal import log
from tenants.provisioning.passwords import shut_out
from tenants.registry.due import resume
from tenants.registry.models import Certificate, Connection, Tenant, TenantRequest, TenantState

LOCK_TIMEOUT: Final = "10s"
_TABLES: Final = "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r' ORDER BY relname"
# Lines about others keep their order. Only reports that are about it are written again.
_ABOUT: Final = """
finding->>'subject' = %(subject)s OR strpos(finding::text, %(schema)s) > 0 OR strpos(finding::text, %(id)s) > 0"""
_FORGET: Final = f"""
UPDATE registry.drift_reports SET findings = (
    SELECT coalesce(jsonb_agg(finding ORDER BY number) FILTER (WHERE NOT ({_ABOUT})), '[]')
    FROM jsonb_array_elements(findings) WITH ORDINALITY AS each (finding, number)
)
WHERE EXISTS (SELECT FROM jsonb_array_elements(findings) AS finding WHERE {_ABOUT})"""  # noqa: S608 - a part of ours


class DestroyTenant(TenantOperation):
    """Delete a suspended tenant for good: its keys, schema, role and rows. Leaves a certificate.

    `tenant_id` is named besides the slug, so that a slip in either destroys nothing; `reason` is a
    tenants.certificates.Reason, which the certificate states to whoever has its address.

    Nobody is in with the tenant's database role from then on, not even to set a password of its own. If the migration
    fails after this operation, the tenant stays as it was but for that: apply it again, or reinstate the tenant.
    """

    reversible = False

    def __init__(self, slug: str, *, tenant_id: str, reason: str) -> None:
        super().__init__(slug)
        self.tenant_id = UUID(tenant_id)
        self.reason = Reason(reason)

    def act(self, using: str, actor: Actor) -> None:
        facts = {
            "operation": {"app": actor.label, "migration": _migration_of(self, actor.label)},
            "reason": self.reason.value,
        }
        tenants = Tenant.objects.using(using)
        shut = shut_out(self.meant(tenants), using=using, for_good=True)
        with shut, transaction.atomic(using=using), _in_time(self.slug, using):
            _destroy(self.meant(tenants.select_for_update()), actor, facts, using)

    def undo(self, using: str, actor: Actor) -> None:
        raise IrreversibleError(f"{self.slug} was destroyed: its keys are gone, and nothing of it opens any more.")

    def meant(self, tenants: QuerySet[Tenant]) -> Tenant:
        """Return the tenant. Raises ValueError unless slug and id name one tenant that is suspended."""
        tenant = tenants.filter(slug=self.slug).first()
        if tenant is None:
            destroyed = Certificate.objects.using(tenants.db).filter(slug=self.slug).exists()
            raise ValueError(f"{self.slug} {'was destroyed already' if destroyed else 'is no tenant'}.")
        if tenant.id != self.tenant_id:
            raise ValueError(f"{self.slug} is not the tenant {self.tenant_id}: nothing was destroyed. Check both.")
        if tenant.state != TenantState.SUSPENDED:
            raise ValueError(
                f"{self.slug} is {tenant.state}: suspend it first (SuspendTenant), give its owners time to download "
                "their notice, and destroy it in a later migration."
            )
        return tenant

    def describe(self) -> str:
        return f"Destroy tenant {self.slug} ({self.tenant_id})"


def _destroy(tenant: Tenant, actor: Actor, facts: Document, using: str) -> None:
    # Connections before logs: whoever ends a connection holds it first and waits for the log then.
    peers = _peers(tenant, using)
    with as_provisioner(using) as cursor:
        final = _final_facts(cursor, tenant.schema)
    certificates.issue(tenant, {**facts, **final, "keys": certificates.key_facts(tenant, using=using)}, using=using)
    with as_provisioner(using) as cursor:
        _drop(cursor, tenant.schema)
    _forget_findings(tenant, using)
    resume(tenant.id, using=using)  # what others had to bring finds out that there is nobody to bring it to
    TenantRequest.objects.using(using).filter(id=tenant.id).delete()
    tenant.delete(using=using)  # and every row that refers to it: keys, members, tokens, connections, work
    for peer in peers:
        log(peer, actor, "connection.ended", tenant.slug, {"because": "tenant destroyed"}, using=using)


def _forget_findings(tenant: Tenant, using: str) -> None:
    """Take what was found about the tenant out of the reports of drift, which name tenants by slug and by schema."""
    with connections[using].cursor() as cursor:
        names = {"subject": f"tenant {tenant.slug}", "schema": tenant.schema, "id": str(tenant.id)}
        cursor.execute(_FORGET, names)


def _peers(tenant: Tenant, using: str) -> list[Tenant]:
    """Return the other end of each connection that has not ended; all connections are locked."""
    rows = Connection.objects.using(using).filter(Q(provider=tenant) | Q(consumer=tenant))
    locked = rows.select_for_update(of=("self",)).select_related("provider", "consumer").order_by("id")
    live = [connection for connection in locked if connection.state != Connection.State.ENDED]
    ends = {end for connection in live for end in (connection.provider, connection.consumer)}
    return sorted(ends - {tenant}, key=lambda peer: peer.id)


def _final_facts(cursor: CursorWrapper, schema: str) -> Document:
    """Lock the tenant's tables, and return what is in them for the last time."""
    cursor.execute(_TABLES, [schema])
    tables = [name for (name,) in cursor.fetchall()]
    _run(cursor, "LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE", schema, tables=_comma(schema, tables))
    _run(cursor, "{counts}", schema, counts=_counts(schema, tables))
    rows = dict(cursor.fetchall())
    position, end, now = _one(cursor, "SELECT position, hash, now() FROM {schema}.audit_head", schema)
    return {
        "destroyed_at": certificates.instant(now),
        "audit": certificates.audit_facts(position, bytes(end)),
        "rows": rows,
    }


def _drop(cursor: CursorWrapper, schema: str) -> None:
    # Who made a role may administer it; to drop what it owns the rights of the role are needed as well.
    _run(cursor, "GRANT {role} TO CURRENT_USER WITH INHERIT TRUE, SET FALSE", schema)
    _run(cursor, "DROP SCHEMA {schema} CASCADE", schema)
    _run(cursor, "DROP OWNED BY {role}", schema)  # what it was granted elsewhere, by mistake, would keep it alive
    _run(cursor, "DROP ROLE {role}", schema)


def _run(cursor: CursorWrapper, statement: LiteralString, schema: str, **parts: sql.Composable) -> None:
    """Run a statement about a tenant's schema and role, which share a name."""
    name = sql.Identifier(schema)
    cursor.execute(sql.SQL(statement).format(schema=name, role=name, **parts).as_string(cursor.connection))


def _one(cursor: CursorWrapper, statement: LiteralString, schema: str) -> tuple[Any, ...]:
    _run(cursor, statement, schema)
    row: tuple[Any, ...] = cursor.fetchone() or ()
    return row


def _counts(schema: str, tables: list[str]) -> sql.Composed:
    count = sql.SQL("SELECT {}, count(*) FROM {}")
    each = [count.format(sql.Literal(table), sql.Identifier(schema, table)) for table in tables]
    return sql.SQL(" UNION ALL ").join(each)


def _comma(schema: str, tables: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(schema, table) for table in tables)


@contextmanager
def _in_time(slug: str, using: str) -> Iterator[None]:
    """Wait for no lock longer than LOCK_TIMEOUT. Raises TimeoutError, with nothing changed."""
    try:
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        yield
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        raise TimeoutError(
            f"{slug} is held by another transaction (a dump, or a run of migrations?): nothing was destroyed. "
            "Apply the migration again when that has ended."
        ) from error


def _migration_of(operation: DestroyTenant, app: str) -> str:
    """Return the name of the migration that an operation stands in; Django tells an operation its app alone."""
    migrations = MigrationLoader(None).disk_migrations
    for (label, name), migration in migrations.items():
        if label == app and any(each is operation for each in migration.operations):
            return name
    return ""
