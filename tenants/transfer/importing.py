"""Import one tenant: everything is verified first, and then all of it comes in, in one transaction, or nothing does.

The archive is whatever somebody sent. Its rows reach the new schema alone, through COPY statements that this release
composes; of the registry it can fill nothing but the imported tenant's own name, members and public keys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from django.db import connections, transaction

from secrets_vault import WrappedKey
from tenants import validation
from tenants.actor import Actor
from tenants.errors import Invalid
from tenants.provisioning.journal import log
from tenants.provisioning.provision import create_tenant
from tenants.records.audit import Detail
from tenants.registry.models import Membership, Person, Provider, SealingKey, Tenant, TenantKey
from tenants.roles import Role
from tenants.transfer import checks, due, rows
from tenants.transfer.archive import MANIFEST
from tenants.transfer.errors import DATABASE_ERRORS, BadArchive, TransferError, said
from tenants.transfer.exporting import Report
from tenants.transfer.files import existing_file
from tenants.transfer.filling import Source, fill
from tenants.transfer.manifest import Manifest, Member
from tenants.transfer.vacancy import check_vacancy
from tenants.transfer.verifying import Archive, verify

_IMPORTER: Final = Actor.operator("import_tenant")
_SESSION: Final = """
SET LOCAL statement_timeout = 0;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, YMD';
"""


@dataclass(frozen=True, slots=True)
class Imported:
    tenant: str
    slug: str
    digest: str
    source: str
    rows: int
    members: int
    waiting: int  # messages whose content came along


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the operator asks for besides what the archive says."""

    slug: str | None = None
    owner: tuple[str, str] | None = None  # provider, the provider's immutable id
    digest: str | None = None  # of the manifest, as the source's operator read it out


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is about to come in: whom it would let in here, before anybody is let in."""

    tenant: str
    slug: str  # here
    name: str
    source: str  # by its own account
    digest: str
    owners: tuple[str, ...]  # provider:id
    members: dict[str, int]  # how many of each role


Confirm = Callable[[Arrival], None]
Progress = Callable[[], AbstractContextManager[Report]]


def parse_owner(text: str) -> tuple[str, str]:
    """Return the identity in `provider:id`. Raises TransferError."""
    provider, _, uid = text.partition(":")
    if provider not in Provider.values or not uid:
        raise TransferError(f"Give an owner as provider:id, with {' or '.join(Provider.values)} as the provider.")
    return provider, uid


def import_tenant(
    path: Path,
    private_key: bytes,
    wishes: Wishes = Wishes(),
    *,
    using: str = "default",
    confirm: Confirm = lambda _: None,
    progress: Progress = lambda: nullcontext(lambda *_: None),
) -> Imported:
    """Make the tenant that the archive holds. Needs a connection of the owner. Raises TransferError, changing nothing.

    `confirm` is told what was verified before the database is touched, and raises TransferError to leave it there.
    Also raises what the vault does if the key service can't wrap the tenant's keys.
    """
    with existing_file(path) as file:
        archive = verify(file, private_key)
        manifest = _checked(archive, wishes)
        confirm(_arrival(archive, wishes))
        try:
            with progress() as report, transaction.atomic(using=using, durable=True):
                return _import(Source(file, archive, report), manifest, wishes, using)
        except DATABASE_ERRORS as error:
            raise TransferError(f"The database refuses it: {said(error)}") from None


def _checked(archive: Archive, wishes: Wishes) -> Manifest:
    manifest = archive.manifest
    if wishes.digest is not None and wishes.digest != archive.digest:
        raise BadArchive(MANIFEST, f"its digest is {archive.digest}, not the one that was asked for")
    try:
        validation.slug(wishes.slug or manifest.slug)
        validation.title(manifest.name)
    except Invalid as error:
        raise TransferError(error.words) from None
    if wishes.owner is None and all(member.role != Role.OWNER for member in manifest.members):
        raise TransferError("The archive names no owner, so nobody could let anybody in: name one with --owner.")
    return manifest


def _arrival(archive: Archive, wishes: Wishes) -> Arrival:
    manifest = archive.manifest
    roles = _roles(manifest.members, wishes.owner)
    return Arrival(
        tenant=manifest.tenant,
        slug=wishes.slug or manifest.slug,
        name=manifest.name,
        source=manifest.source,
        digest=archive.digest,
        owners=tuple(f"{provider}:{uid}" for (provider, uid), role in roles.items() if role == Role.OWNER),
        members=dict(Counter(roles.values())),
    )


def _import(source: Source, manifest: Manifest, wishes: Wishes, using: str) -> Imported:
    archive = source.archive
    slug = wishes.slug or manifest.slug
    with connections[using].cursor() as cursor:
        cursor.execute(_SESSION)
    check_vacancy(UUID(manifest.tenant), slug, using)
    tenant = create_tenant(
        tenant_id=UUID(manifest.tenant), slug=slug, name=manifest.name, owner_id=None, actor=_IMPORTER, using=using
    )
    _replace_keys(tenant, archive.keys, manifest, using)
    fill(source, tenant.schema, using)
    checks.check_times(tenant.schema, using)
    checks.check_chain(manifest, tenant.schema, using)
    checks.check_sealing(manifest, tenant.id, archive.keyring, tenant.schema, using)
    rows.check_rows(tenant.schema, using)
    members = _admit(tenant, manifest.members, wishes.owner, using)
    waiting = due.rebuild(tenant.id, tenant.schema, using)
    moved = sum(table.rows for table in manifest.tables)
    detail: Detail = {"from": manifest.source, "slug": manifest.slug, "digest": archive.digest, "rows": moved}
    log(tenant, _IMPORTER, "tenant.imported", slug, detail, using=using)
    return Imported(manifest.tenant, slug, archive.digest, manifest.source, moved, members, waiting)


def _replace_keys(tenant: Tenant, keys: Sequence[WrappedKey], manifest: Manifest, using: str) -> None:
    """Put the keys that came along in the place of those that every new tenant is given."""
    TenantKey.objects.using(using).filter(tenant=tenant).delete()
    SealingKey.objects.using(using).filter(tenant=tenant).delete()
    now = datetime.now(UTC)
    TenantKey.objects.using(using).bulk_create(
        TenantKey(
            tenant=tenant,
            version=key.version,
            key_service=key.key_service_id,
            wrapped=key.wrapped,
            key_id=key.key_id,
            retired_at=now if key.retired else None,
        )
        for key in keys
    )
    SealingKey.objects.using(using).bulk_create(
        SealingKey(tenant=tenant, version=key.version, public=bytes.fromhex(key.public))
        for key in manifest.sealing_keys
    )


def _admit(tenant: Tenant, members: Sequence[Member], owner: tuple[str, str] | None, using: str) -> int:
    """Make the members of this tenant, and of no other; people who have signed in here before are found."""
    roles = _roles(members, owner)
    for (provider, uid), role in roles.items():
        person, _ = Person.objects.using(using).get_or_create(provider=provider, uid=uid)
        Membership.objects.using(using).create(tenant=tenant, person=person, role=role)
    return len(roles)


def _roles(members: Sequence[Member], owner: tuple[str, str] | None) -> dict[tuple[str, str], str]:
    roles = {(member.provider, member.uid): member.role for member in members}
    return roles if owner is None else {**roles, owner: Role.OWNER.value}
