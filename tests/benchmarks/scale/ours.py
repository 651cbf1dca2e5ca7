"""Our side: tenants made as the provisioner makes them, and requests served as the web process serves them."""

from __future__ import annotations

import secrets
from uuid import UUID, uuid4

import django

from tests.benchmarks.scale.contestant import serve, timed

django.setup()

from tenants.actor import Actor  # noqa: E402 - Django first
from tenants.provisioning.provision import create_tenant  # noqa: E402
from tests.benchmarks.scale.requests import served  # noqa: E402


def create(count: int, owner: str) -> list[float]:
    """Make tenants with an owner, one after the other; return the seconds of each."""
    return [timed(lambda: create_owned(UUID(owner))) for _ in range(count)]


def create_owned(owner: UUID) -> None:
    slug = f"t{secrets.token_hex(8)}"
    actor = Actor.system("provisioning")
    create_tenant(tenant_id=uuid4(), slug=slug, name=slug, owner_id=owner, actor=actor)


if __name__ == "__main__":
    serve({"create": create, "served": served})
