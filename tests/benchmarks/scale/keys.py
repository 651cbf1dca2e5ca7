"""A tenant with many sealed items whose key is rotated: `python -m tests.benchmarks.scale.keys`.

The process that fills the tenant is another one than the process whose memory is looked at.
"""

from __future__ import annotations

import resource
from typing import Final
from uuid import UUID, uuid4

import django

from tests.benchmarks.scale.contestant import serve, timed

django.setup()

from django.db import connections  # noqa: E402 - Django first

from tenants.actor import Actor  # noqa: E402
from tenants.compartment import enter_as_system  # noqa: E402
from tenants.provisioning.provision import create_tenant  # noqa: E402
from tenants.records.models import Parameter, ParameterSet, ParameterVersion  # noqa: E402
from tenants.rotation.rotate import rotate  # noqa: E402

ACTOR: Final = Actor.system("benchmark")
SIZE: Final = 64  # bytes: a password or a token, what parameters mostly are
_PORTION: Final = 5_000
# What no rotation can do without: the server changes the same bytes of the same rows, in one statement.
_BARE: Final = """
UPDATE parameter_versions SET sealed = overlay(sealed PLACING substring(sealed FROM 7 FOR 80) FROM 7)"""


def fill(items: int) -> str:
    """Make a tenant with so many sealed values; return its id."""
    tenant = create_tenant(tenant_id=uuid4(), slug=f"t{uuid4().hex[:16]}", name="Many", owner_id=None, actor=ACTOR)
    with enter_as_system(tenant.id, ACTOR) as inside:
        parameter = Parameter.objects.create(set=ParameterSet.objects.create(name="many"), name="NAME")
        for start in range(1, items + 1, _PORTION):
            numbers = range(start, min(start + _PORTION, items + 1))
            with inside.transaction():
                ParameterVersion.objects.bulk_create(
                    ParameterVersion(
                        parameter=parameter,
                        version=number,
                        sealed=inside.seal(
                            inside.place("parameter_versions.sealed", parameter.id, number), bytes(SIZE)
                        ),
                    )
                    for number in numbers
                )
        with connections[inside.alias].cursor() as cursor:
            cursor.execute("ANALYZE parameter_versions")
    return str(tenant.id)


def rotated(tenant: str, items: int) -> float:
    """Return the seconds of one rotation. Raises RuntimeError if it left anything."""
    found = []
    seconds = timed(lambda: found.append(rotate(UUID(tenant), ACTOR, reason="benchmark")))
    if found[0].failure or found[0].items < items:
        raise RuntimeError(f"{found[0]}")
    return seconds


def bare(tenant: str) -> float:
    with enter_as_system(UUID(tenant), ACTOR) as inside, connections[inside.alias].cursor() as cursor:
        return timed(lambda: cursor.execute(_BARE))


def memory() -> float:
    """Return the most that the process has had in memory, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    serve({"fill": fill, "rotated": rotated, "bare": bare, "memory": memory})
