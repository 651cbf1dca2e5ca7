"""A tenant with something in every sealed column, and what is needed to rotate its keys as the provisioner does."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from secrets_vault import BadCiphertext, LocalKeyService, Place
from tenants.actions import parameters, repositories, ssh_keys
from tenants.actor import Actor
from tenants.compartment import Compartment
from tenants.records.models import Build, LookupSecret, SSHAuthority
from tenants.records.sealed import SEALED, SealedColumn
from tenants.registry.models import TenantKey
from tenants.rotation import rotate
from tests.conftest import Household, acting_as

ACTOR = Actor.system("test")
Sealed = dict[tuple[str, str], bytes]


def turn(house: Household, reason: str = "") -> rotate.Outcome:
    """Rotate, or with no reason finish what was begun, with the provisioner's rights."""
    with acting_as("provisioner"):
        return rotate.rotate(house.tenant.id, ACTOR, reason=reason)


def age(house: Household, by: timedelta = timedelta(minutes=11)) -> None:
    """Let all versions of the tenant's key be older than they are."""
    for row in TenantKey.objects.using("provisioner").filter(tenant=house.tenant):
        TenantKey.objects.using("provisioner").filter(id=row.id).update(created_at=row.created_at - by)


def attempts_of(program: str, house: Household, environment: dict[str, str]) -> list[list[Any]]:
    """Run a program whose work on the tenant is killed again and again; return what it printed of each attempt."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.tenants.rotation.{program}", str(house.tenant.id)],
        env={**os.environ, **environment, "DJANGO_SETTINGS_MODULE": "portal.settings"},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def sealed(inside: Compartment) -> Sealed:
    """Return every sealed value, by column and key."""
    return {
        (column.purpose, str(key)): bytes(value)
        for column in SEALED
        for key, value in column.model._default_manager.values_list("pk", column.column)
        if value is not None
    }


def opened(inside: Compartment) -> dict[tuple[str, str], bytes]:
    """Return every plaintext, opened at the place that the rotation knows."""
    found = {}
    for column in SEALED:
        fields = ("pk", column.item, column.version or "pk", column.column)
        for key, item, version, value in column.model._default_manager.values_list(*fields):
            if value is not None:
                found[column.purpose, str(key)] = inside.open(_place(inside, column, item, version), bytes(value))
    return found


def _place(inside: Compartment, column: SealedColumn, item: object, version: int) -> Place:
    return Place(inside.tenant.id, column.purpose, str(item), version if column.version else 1)


def furnish(inside: Compartment, parameters_count: int = 3) -> None:
    """Put something into every sealed column."""
    made = repositories.create_repository(inside, name="api", url="", labels=[("os", "linux")])
    kept = parameters.create_set(inside, name="build", description="", filters=[[("os", "linux")]])
    for number in range(parameters_count):
        parameters.set_parameter(inside, kept.id, name=f"NAME_{number}", value=f"value {number}")
    parameters.set_parameter(inside, kept.id, name="NAME_0", value="second")
    ssh_keys.generate_key(inside, name="deploy", filters=[[("os", "linux")]])
    with inside.transaction():
        authority = SSHAuthority(public="ssh-ed25519 A", fingerprint="SHA256:A", author="test")
        authority.sealed = inside.seal(inside.place("ssh_authorities.sealed", authority.id, 1), b"authority")
        authority.save(force_insert=True)
        build = Build(repository=made, repository_name="api", started_by="test", ends_by=datetime.now(UTC))
        build.sealed_key = inside.seal(inside.place("builds.sealed_key", build.id, 1), secrets.token_bytes(32))
        build.sealed_overrides = inside.seal(inside.place("builds.sealed_overrides", build.id, 1), b"{}")
        build.save(force_insert=True)
        if not LookupSecret.objects.exists():
            place = Place(inside.tenant.id, "lookup_secrets.sealed", "1", 1)
            LookupSecret.objects.create(version=1, sealed=inside.seal(place, secrets.token_bytes(32)))


def opens(inside: Compartment, place: Place, value: bytes) -> bool:
    try:
        inside.open(place, value)
    except BadCiphertext:
        return False
    return True


@pytest.fixture
def former(tmp_path: Path) -> str:
    """Another key service's address."""
    LocalKeyService.create(tmp_path / "former.key")
    return f"local:{tmp_path / 'former.key'}"


@pytest.fixture
def furnished(household: Household) -> Household:
    with household.enter() as inside:
        furnish(inside)
    return household


Turn = Callable[..., rotate.Outcome]
