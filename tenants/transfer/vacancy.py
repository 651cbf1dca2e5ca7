"""Whether there is room for a tenant: its identity and its address are free, and were never destroyed here."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q

from tenants.registry.models import Certificate, Tenant, TenantRequest
from tenants.transfer.errors import Taken


def check_vacancy(tenant_id: UUID, slug: str, using: str) -> None:
    """Raise Taken, saying what is in the way."""
    if present := Tenant.objects.using(using).filter(id=tenant_id).first():
        raise Taken(
            f"This very tenant is here already, as {present.slug}: one deployment holds a tenant once, since its data "
            "are sealed to its identity."
        )
    if Certificate.objects.using(using).filter(tenant_id=tenant_id).exists():
        raise Taken("This very tenant was destroyed here, and its certificate says so for good.")
    requests = TenantRequest.objects.using(using).exclude(state=TenantRequest.State.FAILED)
    taken = (
        Tenant.objects.using(using).filter(slug=slug).exists()
        or Certificate.objects.using(using).filter(slug=slug).exists()
        or requests.filter(Q(slug=slug) | Q(id=tenant_id)).exists()
    )
    if taken:
        raise Taken(f"The address {slug} is taken here: choose another one with --slug.")
