"""Our side: a tenant with values in reach of two repositories, a token, and what of a request is cryptography."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from itertools import repeat
from typing import Any
from uuid import UUID, uuid4

import django

from tests.benchmarks.reading import SLUG
from tests.benchmarks.scale.contestant import serve

django.setup()

from portal.api.access import tokens  # noqa: E402 - Django first
from portal.api.schemas import PublicKey  # noqa: E402
from portal.api.sealing import seal_for  # noqa: E402
from portal.tokens import Claims  # noqa: E402
from tenants import compartment  # noqa: E402
from tenants.actions import parameters, repositories  # noqa: E402
from tenants.actions.parameter_values import NewValue, place_of  # noqa: E402
from tenants.actor import Actor  # noqa: E402
from tenants.provisioning.provision import create_tenant  # noqa: E402
from tenants.records.models import ParameterVersion  # noqa: E402
from tenants.registry.due import database_now  # noqa: E402
from tenants.registry.models import AccessToken  # noqa: E402


def create(owner: str) -> str:
    """Make the tenant, as the provisioner; return its schema."""
    actor = Actor.system("provisioning")
    made = create_tenant(tenant_id=uuid4(), slug=SLUG, name="Measured", owner_id=UUID(owner), actor=actor)
    return made.schema


def furnish(owner: str, stored: Mapping[str, Mapping[str, str]]) -> str:
    """Give each repository the values that only its label reaches; return a token of the owner's."""
    with compartment.enter(SLUG, _owner(owner)) as inside:
        for name, values in stored.items():
            repositories.create_repository(inside, name=name, url="", labels=[("size", name)])
            made = parameters.create_set(inside, name=name, description="", filters=[[("size", name)]])
            parameters.apply_changes(inside, made.id, values=[NewValue(*each) for each in values.items()])
        expires = database_now() + timedelta(hours=12)
        row = AccessToken.objects.create(
            person_id=UUID(owner), tenant=inside.tenant, name="benchmark", expires_at=expires
        )
    return tokens().issue(Claims(row.person_id, row.tenant_id, row.id, int(time.time()), int(expires.timestamp())))


def cryptography(owner: str, repository: str, key: Mapping[str, str], count: int) -> float:
    """Return the processor's seconds of what a request opens and seals, without anything that it waits for."""
    with compartment.enter(SLUG, _owner(owner)) as inside:
        rows = list(ParameterVersion.objects.filter(parameter__set__name=repository).select_related("parameter"))
        sealed = [(place_of(inside, row.parameter_id, row.version), bytes(row.sealed)) for row in rows]
        recipient = PublicKey(**key)
        started = time.process_time()
        for _ in repeat(None, count):
            opened = inside.open_all(sealed)
            values = {row.parameter.name: raw.decode() for row, raw in zip(rows, opened, strict=True)}
            seal_for(recipient, {"tenant": SLUG, "repository": repository, "values": values, "conflicts": {}})
        return (time.process_time() - started) / count


def _owner(owner: str) -> Actor:
    return Actor.person(UUID(owner), "owner@example.org", address="127.0.0.1")


if __name__ == "__main__":
    acts: dict[str, Any] = {"create": create, "furnish": furnish, "cryptography": cryptography}
    serve(acts)
