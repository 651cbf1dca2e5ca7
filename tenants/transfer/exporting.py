"""Export one tenant: as it stood at one moment, sealed as it stands, with its keys for one recipient."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from django.conf import settings
from django.db import connections, transaction
from psycopg import sql

from secrets_vault import WrappedKey, hand_over
from tenants.actor import Actor
from tenants.keyrings import key_service, wrapped_key
from tenants.provisioning.acting import as_provisioner
from tenants.provisioning.journal import log
from tenants.provisioning.provision import schema_script
from tenants.records.audit import Detail
from tenants.registry.models import Membership, SealingKey, Tenant, TenantKey
from tenants.transfer.archive import KEYS, MANIFEST, Writer, member_of
from tenants.transfer.errors import DATABASE_ERRORS, TransferError, said
from tenants.transfer.files import new_file
from tenants.transfer.manifest import FORMAT, Contents, Manifest, Member, Sealing
from tenants.transfer.recipient import fingerprint
from tenants.transfer.tables import AUDIT, Table, check_shape, tables

Report = Callable[[str, int], None]
"""Told which part grew by how many bytes."""

# Text that reads the same under any server's defaults.
_SESSION: Final = """
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL statement_timeout = 0;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL bytea_output = 'hex';
"""
_EXPORTER: Final = Actor.operator("export_tenant")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. `digest` is the SHA-256 of the manifest: read it to the recipient over another way."""

    tenant: str
    slug: str
    digest: str
    recipient: str
    bytes: int
    rows: int


def seal_context(manifest: bytes) -> dict[str, str]:
    """Return what the keys are bound to besides the tenant: a manifest that was changed opens nothing."""
    return {"format": FORMAT, "manifest": hashlib.sha256(manifest).hexdigest()}


def export_tenant(
    slug: str, *, to: bytes, output: Path, using: str = "default", report: Report = lambda *_: None
) -> Exported:
    """Write the tenant's archive, readable by the holder of the private half of `to`.

    Needs a connection of the owner. Raises TransferError, and what the vault raises if the keys can't be opened here.
    """
    results: list[Exported] = []

    def note() -> None:  # the log says so before anybody can have the archive
        (result,) = results
        detail: Detail = {"digest": result.digest, "recipient": result.recipient, "bytes": result.bytes}
        with transaction.atomic(using=using):
            log(tenant, _EXPORTER, "tenant.exported", result.slug, detail, using=using)

    with new_file(output, before=note) as file:
        writer = Writer(file)
        with _snapshot(using):
            tenant = _tenant(slug, using)
            manifest = _describe(tenant, fingerprint(to), _write_tables(writer, tenant, using, report), using)
            rows = _key_rows(tenant, using)
        keys = hand_over(key_service(), tenant.id, rows, to, seal_context(manifest.encoded()))
        for name, content in ((MANIFEST, manifest.encoded()), (KEYS, keys)):
            with writer.member(name) as part:
                part.write(content)
        writer.finish()
        results.append(_result(manifest, file))
    return results[0]


@contextmanager
def _snapshot(using: str) -> Iterator[None]:
    """Let all that is read be of one moment, the registry's rows and the compartment's."""
    try:
        with transaction.atomic(using=using, durable=True):
            with connections[using].cursor() as cursor:
                cursor.execute(_SESSION)
            yield
    except DATABASE_ERRORS as error:
        raise TransferError(f"The database refuses it: {said(error)}") from None


def _tenant(slug: str, using: str) -> Tenant:
    tenant = Tenant.objects.using(using).filter(slug=slug).first()
    if tenant is None:
        raise TransferError(f"There is no tenant {slug}.")
    _, ours = schema_script()
    if tenant.schema_version != ours:
        raise TransferError(
            f"{slug} is at {tenant.schema_version}, and this release writes {ours}: run `manage.py migrate_tenants`."
        )
    return tenant


def _write_tables(writer: Writer, tenant: Tenant, using: str, report: Report) -> list[Contents]:
    with as_provisioner(using) as cursor:
        check_shape(cursor, tenant.schema)
    return [_write_table(writer, table, tenant.schema, using, report) for table in tables()]


def _write_table(writer: Writer, table: Table, schema: str, using: str, report: Report) -> Contents:
    name = member_of(table.name)
    statement = table.copy(schema, "TO STDOUT")
    with as_provisioner(using) as cursor, writer.member(name) as part, cursor.copy(statement) as rows:
        for chunk in rows:
            part.write(chunk)
            report(name, len(chunk))
    # In the text format a line is a row: what is a line's end within a value is escaped.
    return Contents(table.name, table.columns, part.lines, part.size, part.sha256)


def _describe(tenant: Tenant, recipient: str, contents: list[Contents], using: str) -> Manifest:
    with as_provisioner(using) as cursor:
        cursor.execute(sql.SQL("SELECT position, hash FROM {}").format(sql.Identifier(tenant.schema, f"{AUDIT}_head")))
        position, digest = cursor.fetchone()
    members = Membership.objects.using(using).filter(tenant=tenant).select_related("person")
    sealing = SealingKey.objects.using(using).filter(tenant=tenant).order_by("version")
    return Manifest(
        format=FORMAT,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        source=settings.BASE_URL,
        recipient=recipient,
        tenant=str(tenant.id),
        slug=tenant.slug,
        name=tenant.name,
        state=tenant.state,
        schema_version=tenant.schema_version,
        audit_position=position,
        audit_hash=bytes(digest).hex(),
        tables=tuple(contents),
        members=tuple(Member(row.person.provider, row.person.uid, row.role) for row in members.order_by("id")),
        sealing_keys=tuple(Sealing(row.version, bytes(row.public).hex()) for row in sealing),
    )


def _key_rows(tenant: Tenant, using: str) -> list[WrappedKey]:
    return [wrapped_key(row) for row in TenantKey.objects.using(using).filter(tenant=tenant).order_by("version")]


def _result(manifest: Manifest, file: IO[bytes]) -> Exported:
    digest = hashlib.sha256(manifest.encoded()).hexdigest()
    rows = sum(table.rows for table in manifest.tables)
    return Exported(manifest.tenant, manifest.slug, digest, manifest.recipient, file.tell(), rows)
