"""Their side: tenants cloned from a template or made by migrations; requests served through its middleware."""

from __future__ import annotations

import secrets

import django

from tests.benchmarks.scale.contestant import serve, timed

django.setup()

from django.test import override_settings  # noqa: E402 - Django first

from tests.benchmarks.scale.peer.models import Client, Domain  # noqa: E402
from tests.benchmarks.scale.requests import served  # noqa: E402


def create(count: int, template: str) -> list[float]:
    """Make tenants with a domain, by cloning `template`, or by migrations where it is empty."""
    quickest = {"TENANT_BASE_SCHEMA": template, "TENANT_CREATION_FAKES_MIGRATIONS": True} if template else {}
    with override_settings(**quickest):
        return [timed(lambda: create_named(f"t_{secrets.token_hex(8)}")) for _ in range(count)]


def create_named(schema: str) -> str:
    client = Client(schema_name=schema, name=schema)
    client.save(verbosity=0)
    Domain.objects.create(domain=f"{schema}.example.org", tenant=client)
    return schema


if __name__ == "__main__":
    serve({"create": create, "create_named": create_named, "served": served})
